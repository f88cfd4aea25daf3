"""Builds small convolutional networks with seeded weights, operation by operation."""

import networks
import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from calibration.agreement import Agreement
from sdk import Vessels
from sdk.backends.onnxruntime import EXACT_SUMS


class Net:
    """Collects nodes; every method returns the name of what it computes."""

    def __init__(self, seed=0):
        self.nodes, self.weights, self.shapes = [], [], {}
        self._random = np.random.default_rng(seed)

    def weight(self, values):
        name = f"weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def scale(self, place, factors):
        """Changes a weight made before, such as -1 for the last."""
        values = numpy_helper.to_array(self.weights[place]) * factors
        name = self.weights[place].name
        self.weights[place] = numpy_helper.from_array(values.astype(np.float32), name)

    def op(self, kind, *inputs, name=None, **attributes):
        output = name or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def random(self, *shape):
        spread = np.sqrt(2 / np.prod(shape[1:]))
        return self.weight(self._random.normal(0, spread, shape).astype(np.float32))

    def conv(self, tensor, channels, *, side=3, group=1, name=None, bias=True):
        before, after = channels
        inputs = [tensor, self.random(after, before // group, side, side)]
        if bias:
            inputs.append(self.weight(self._random.normal(0, 0.1, after).astype(np.float32)))
        return self.op("Conv", *inputs, name=name, group=group, pads=[side // 2] * 4)

    def relu(self, tensor):
        return self.op("Relu", tensor)

    def save(self, path, outputs, size=(32, 32), channels=1):
        inputs = [networks.tensor("image", [1, channels, *size])]
        described = [networks.tensor(name, shape) for name, shape in outputs.items()]
        return networks.save(path, self.nodes, inputs, described, self.weights)


def chain(path, size=(32, 32), seed=0):
    """Convolution, ReLU, convolution, ReLU, head: the middle one becomes INT8."""
    net = Net(seed)
    first = net.relu(net.conv("image", (1, 16), name="first"))
    middle = net.relu(net.conv(first, (16, 16), name="middle"))
    net.conv(middle, (16, 1), side=1, name="logits")
    return net.save(path, {"logits": [1, 1, *size]}, size)


def branched(path, size=(32, 32), seed=0):
    """A residual block with signed values, a concatenation with a pooled skip, a head."""
    net = Net(seed)
    first = net.relu(net.conv("image", (1, 16), name="first"))
    signed = net.conv(first, (16, 16), name="signed")
    inner = net.relu(net.conv(signed, (16, 16), name="inner"))
    outer = net.conv(inner, (16, 16), name="outer")
    total = net.relu(net.op("Add", outer, signed, name="residual"))
    pooled = net.op("MaxPool", first, kernel_shape=[3, 3], pads=[1] * 4, name="pooled")
    joined = net.op("Concat", total, pooled, axis=1, name="joined")
    fused = net.relu(net.conv(joined, (32, 16), side=1, name="fused"))
    net.conv(fused, (16, 1), side=1, name="logits")
    return net.save(path, {"logits": [1, 1, *size]}, size)


def projected(path, size=(32, 32), seed=0):
    """A residual block whose shortcut is a convolution too: either of the two can be fused."""
    net = Net(seed)
    first = net.relu(net.conv("image", (1, 16), name="first"))
    inner = net.relu(net.conv(first, (16, 16), name="inner"))
    outer = net.conv(inner, (16, 16), name="outer")
    shortcut = net.conv(first, (16, 16), side=1, name="shortcut")
    total = net.relu(net.op("Add", outer, shortcut, name="residual"))
    last = net.relu(net.conv(total, (16, 16), name="last"))
    net.conv(last, (16, 1), side=1, name="logits")
    return net.save(path, {"logits": [1, 1, *size]}, size)


def separable(path, size=(32, 32), seed=0, spread=0.0):
    """Depthwise and pointwise convolutions in turn; ranges of channels lie `spread` powers apart.

    Factors move between a depthwise weight and the pointwise weight that reads it, so that every
    spread gives the same network.
    """
    net = Net(seed)
    random = np.random.default_rng(seed)
    tensor = net.relu(net.conv("image", (1, 16), name="first"))
    for name in ("a", "b"):
        tensor = net.relu(net.conv(tensor, (16, 16), group=16, name=f"depth_{name}"))
        tensor = net.relu(net.conv(tensor, (16, 16), side=1, name=f"point_{name}"))
        factors = (2 ** np.rint(spread * random.uniform(-1, 1, 16))).astype(np.float32)
        net.scale(-4, factors.reshape(-1, 1, 1, 1))
        net.scale(-3, factors)
        net.scale(-2, 1 / factors.reshape(1, -1, 1, 1))
    net.conv(tensor, (16, 1), side=1, name="logits")
    return net.save(path, {"logits": [1, 1, *size]}, size)


def bounded(path, size=(32, 32), seed=0, end=1.0):
    """As MobileNetV2: pointwise, depthwise, pointwise, each with a ReLU that has a ceiling."""
    net = Net(seed)
    zero, ceiling = net.weight(np.float32(0)), net.weight(np.float32(end))

    def clip(tensor, name):
        return net.op("Clip", tensor, zero, ceiling, name=name)

    first = clip(net.conv("image", (1, 16), name="first"), "clip_first")
    wide = clip(net.conv(first, (16, 32), side=1, name="wide"), "clip_wide")
    depth = clip(net.conv(wide, (32, 32), group=32, name="depth"), "clip_depth")
    total = net.op("Add", net.conv(depth, (32, 16), side=1, name="narrow"), first, name="sum")
    last = clip(net.conv(total, (16, 16), name="last"), "clip_last")
    net.conv(last, (16, 1), side=1, name="logits")
    return net.save(path, {"logits": [1, 1, *size]}, size)


def volumetric(path, size=(8, 16, 16), seed=0):
    """3-D convolutions, an instance normalisation, a residual addition."""
    net = Net(seed)

    def conv(tensor, before, after, name, side=3):
        weight = net.random(after, before, side, side, side)
        bias = net.weight(np.full(after, 0.05, np.float32))
        return net.op("Conv", tensor, weight, bias, name=name, pads=[side // 2] * 6)

    first = net.relu(conv("image", 1, 16, "first"))
    ones, zeros = (net.weight(np.full(16, value, np.float32)) for value in (1, 0))
    normal = net.op("InstanceNormalization", conv(first, 16, 16, "inner"), ones, zeros)
    total = net.relu(net.op("Add", conv(net.relu(normal), 16, 16, "outer"), first, name="sum"))
    conv(total, 16, 1, "logits", side=1)
    return net.save(path, {"logits": [1, 1, *size]}, size)


def shuffled(path, size=(8, 16, 16), seed=0):
    """3-D: a residual block, pooling, and up again by a 1x1x1 convolution and a shuffle.

    The shuffle is what a transposed convolution with kernel = stride becomes; a skip joins it.
    """
    net = Net(seed)

    def conv(tensor, before, after, name, side=3):
        weight = net.random(after, before, side, side, side)
        bias = net.weight(np.full(after, 0.05, np.float32))
        return net.op("Conv", tensor, weight, bias, name=name, pads=[side // 2] * 6)

    def to(tensor, *shape):
        return net.op("Reshape", tensor, net.weight(np.array(shape, np.int64)))

    depth, rows, columns = (side // 2 for side in size)
    skip = net.relu(conv("image", 1, 16, "first"))
    pooled = net.op("MaxPool", skip, kernel_shape=[2, 2, 2], strides=[2, 2, 2])
    inner = net.relu(conv(pooled, 16, 16, "inner"))
    total = net.relu(net.op("Add", conv(inner, 16, 16, "outer"), pooled, name="sum"))
    blocks = to(conv(total, 16, 128, "blocks", side=1), 1, 16, 2, 2, 2, depth, rows, columns)
    places = net.op("Transpose", blocks, perm=[0, 1, 5, 2, 6, 3, 7, 4])
    up = net.relu(to(places, 1, 16, *size))
    joined = net.op("Concat", up, skip, axis=1, name="joined")
    fused = net.relu(conv(joined, 32, 16, "fused"))
    conv(fused, 16, 1, "logits", side=1)
    return net.save(path, {"logits": [1, 1, *size]}, size)


def streaming(path, size=(64, 64), seed=0):
    """Convolutions of the frame, a gated memory of them, its running maximum, and two heads.

    `gate`, `memory` and `kept` are recurrent, `inner` and `read` are not.
    """
    net = Net(seed)
    first = net.relu(net.conv("frame", (1, 16), name="first"))
    net.scale(0, 8)  # what a run is normalised to is small
    inner = net.relu(net.conv(first, (16, 16), name="inner"))
    gate = net.op("Sigmoid", net.conv("hidden_in", (16, 16), side=1, name="gate"))
    memory = net.op("Add", net.conv("hidden_in", (16, 16), name="memory"), inner)
    kept = net.conv(net.op("Mul", gate, net.op("Tanh", memory)), (16, 16), side=1, name="kept")
    hidden = net.op("Tanh", net.op("Add", kept, inner), name="hidden_out")
    read = net.relu(net.conv(hidden, (16, 16), name="read"))
    highest = net.op("Max", "highest_in", read, name="highest_out")
    for name, tensor in (("arteries", highest), ("filled", read)):
        # weights of both signs that sum to zero: neither mask is empty or full
        weights = np.array([1, -1] * 8, np.float32).reshape(1, 16, 1, 1)
        net.op("Conv", tensor, net.weight(weights), name=name)
    shape, state = [1, 1, *size], [1, 16, *size]
    inputs = {"frame": shape, "hidden_in": state, "highest_in": state}
    outputs = {"arteries": shape, "filled": shape, "hidden_out": state, "highest_out": state}
    tensors = ([networks.tensor(*item) for item in them.items()] for them in (inputs, outputs))
    return networks.save(path, net.nodes, *tensors, net.weights)


class ArrayFeed:
    """Frames that are network inputs already, for a task that calls positive logits a vessel."""

    def __init__(self, *images):
        self.images = images
        self.states = {}

    def at(self, pick):
        return self.images[pick]

    def lead(self, index):
        return (index,)

    def ends_run(self, index):
        return index + 1 == len(self)

    def agreement(self):
        return Agreement()

    def fresh_task(self):
        return self

    def reset(self):
        pass

    def begins_anew(self, frame):
        return False

    def preprocess(self, frame, inputs):
        inputs["image"][...] = frame

    def postprocess(self, outputs, frame):
        mask = (outputs["logits"] > 0).astype(np.uint8)
        return Vessels(mask=mask, area_px=int(mask.sum()), area_mm2=None, count=1)

    def first(self, count):
        return self.only(range(min(count, len(self))))

    def only(self, positions):
        return ArrayFeed(*(self.images[position] for position in sorted(positions)))

    def __len__(self):
        return len(self.images)

    def fill(self, index, inputs):
        inputs["image"][...] = self.images[index]
        return f"image {index}"


def images(count, size=(32, 32), seed=1):
    random = np.random.default_rng(seed)
    return ArrayFeed(*(random.random((1, 1, *size), np.float32) for _ in range(count)))


def run(content, feed, index, outputs):
    """Named outputs of a graph given as bytes, any tensor of it, by ONNX Runtime."""
    model = onnx.load_from_string(content)
    known = {item.name for item in model.graph.output}
    model.graph.output.extend(
        helper.make_empty_tensor_value_info(n) for n in outputs if n not in known
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry(EXACT_SUMS, "1")
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    inputs = {"image": np.zeros(session.get_inputs()[0].shape, np.float32)}
    feed.fill(index, inputs)
    return dict(zip(outputs, session.run(list(outputs), inputs), strict=True))
