"""The names that the project's files define, and what their annotations stand for."""

import ast

from tensorrt_api.values import Absent, Instance, Many, OurClass, OurFunction, Ours, Real

SEQUENCES = {"list", "tuple", "Sequence", "Iterable", "Iterator", "dict", "Mapping", "set"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Names:
    """Classes, functions and aliases, by file, and by name where a file takes them from another."""

    def __init__(self, trt, trees: dict[str, ast.Module]) -> None:
        self.trt = trt
        self.classes: dict[OurClass, ast.ClassDef] = {}
        self._scopes = {file: self._defined(file, tree) for file, tree in trees.items()}
        self._aliases: dict[str, str] = {}
        for tree in trees.values():
            self._aliases |= dict(filter(None, map(_alias, tree.body)))

    def _defined(self, file, tree):
        scope = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                scope[node.name] = OurClass(node.name, file)
                self.classes[scope[node.name]] = node
            elif isinstance(node, FUNCTIONS):
                scope[node.name] = OurFunction(node, file)
        return scope

    def find(self, name: str, file: str):
        """A class or function as a file knows it."""
        if name in self._scopes[file]:
            return self._scopes[file][name]
        return next((scope[name] for scope in self._scopes.values() if name in scope), None)

    def member(self, owner: Ours, name: str):
        """A field's annotation or a method of a class of the project; None: neither."""
        for node in self.classes[OurClass(owner.name, owner.file)].body:
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == name:
                return node.annotation
            if isinstance(node, FUNCTIONS) and node.name == name:
                return OurFunction(node, owner.file)
        return None

    def defined_members(self) -> set[str]:
        """Names of every field and method of the project's classes."""
        return {
            getattr(node, "name", getattr(getattr(node, "target", None), "id", ""))
            for body in self.classes.values()
            for node in body.body
        }

    def annotated(self, node, file: str):
        """What a value with this annotation is known to be; None: nothing of TensorRT or ours."""
        match node:
            case ast.Constant(value=str(text)):
                return self.annotated(ast.parse(text, mode="eval").body, file)
            case ast.Name(id=name) if name in self._aliases:
                return self._named(self._aliases[name])
            case ast.Name(id=name):
                found = self.find(name, file)
                return Ours(found.name, found.file) if isinstance(found, OurClass) else None
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self.annotated(left, file) or self.annotated(right, file)
            case ast.Subscript(value=ast.Name(id=name), slice=inner) if name in SEQUENCES:
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                item = next(filter(None, (self.annotated(part, file) for part in parts)), None)
                return item and Many(item)
        return None

    def absent(self, function, file: str) -> str:
        """A class this release lacks that a function takes or gives; empty: none."""
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        annotations = [function.returns, *(argument.annotation for argument in arguments)]
        known = (self.annotated(annotation, file) for annotation in annotations)
        return next((it.name for it in known if isinstance(it, Absent)), "")

    def _named(self, name: str):
        if name == "tensorrt":
            return Real(self.trt)
        cls = getattr(self.trt, name, None)
        return Absent(name) if cls is None else Instance(cls)


def _alias(node):
    """``Network: TypeAlias = Annotated[Any, "INetworkDefinition"]`` and its two names."""
    match node:
        case ast.AnnAssign(
            target=ast.Name(id=alias),
            value=ast.Subscript(
                value=ast.Name(id="Annotated"),
                slice=ast.Tuple(elts=[_, ast.Constant(value=str(name))]),
            ),
        ):
            return alias, name
    return None
