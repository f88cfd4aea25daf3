// Masks edited by component.
#include "bindings/components_in.h"
#include "bindings/register.h"

namespace angio {
namespace {

using namespace py::literals;
using namespace components;

// Three numbers that stay on the mask's device.
std::int64_t* counts_in(const ArrayIn& counts, const ArrayIn& mask) {
  check_same_device(counts, mask);
  const View1D<std::int64_t> numbers = view1d<std::int64_t>(counts);
  if (numbers.size == 3) return numbers.data;
  throw py::value_error("counts must be (3,): components, their pixels, components removed, got " +
                        counts.describe() + "; allocate it with that shape");
}

// An output of None means the mask itself.
template <typename Answer, typename Edit>
Answer edit_mask(const py::object& mask_object, const py::object& connectivity,
                 const py::object& out_object, const py::object& workspace, Edit edit) {
  const ArrayIn mask = mask_in(mask_object);
  const ArrayIn out = out_object.is_none() ? mask : mask_array(out_object, "out");
  check_same_device(out, mask);
  check_same_shape(out, mask);
  wait_for(mask, out);
  const MaskEdit job{volume<const std::uint8_t>(mask), volume<std::uint8_t>(out),
                     connectivity_in(connectivity, mask), mask.shape.size() == 2};
  const Borrowed borrowed(workspace);
  py::gil_scoped_release release;
  if constexpr (kHasCuda)
    if (mask.device == Device::cuda) return edit(job, (*borrowed).device, out.stream);
  return edit(job, static_cast<ComponentsWorkspace&>(*borrowed));
}

py::tuple answer(const Kept& kept) { return py::make_tuple(kept.count, kept.pixels, kept.removed); }

// `stream` is there where the memory is the device's; overloads find the kernel.
py::tuple bind_remove_small(const py::object& mask, std::int64_t min_pixels,
                            const py::object& connectivity, const py::object& out,
                            const py::object& workspace) {
  return answer(edit_mask<Kept>(mask, connectivity, out, workspace,
                                [=](const MaskEdit& edit, auto& memory, auto... stream) {
                                  return remove_small(edit, min_pixels, stream..., memory);
                                }));
}

// Does not wait where the mask lies on the device.
void bind_queue_remove_small(const py::object& mask, std::int64_t min_pixels,
                             const py::object& connectivity, const py::object& workspace,
                             const py::object& counts_object) {
  const ArrayIn counts = array_in(counts_object, "counts"), edited = mask_in(mask);
  std::int64_t* const numbers = counts_in(counts, edited);
  wait_for(counts, edited);
  edit_mask<void>(mask, connectivity, py::none(), workspace,
                  [=](const MaskEdit& edit, auto& memory, auto... stream) {
                    if constexpr (sizeof...(stream) > 0) {
                      cuda::remove_small(edit, min_pixels, stream..., memory, numbers);
                    } else {
                      const Kept kept = remove_small(edit, min_pixels, memory);
                      numbers[0] = kept.count;
                      numbers[1] = kept.pixels;
                      numbers[2] = kept.removed;
                    }
                  });
  hand_over(edited.stream, counts);
}

py::tuple bind_keep_largest(const py::object& mask, std::uint32_t keep,
                            const py::object& connectivity, const py::object& out,
                            const py::object& workspace) {
  return answer(edit_mask<Kept>(mask, connectivity, out, workspace,
                                [=](const MaskEdit& edit, auto& memory, auto... stream) {
                                  return keep_largest(edit, keep, stream..., memory);
                                }));
}

std::uint32_t bind_fill_holes(const py::object& mask, const py::object& connectivity,
                              const py::object& out, const py::object& workspace) {
  return edit_mask<std::uint32_t>(mask, connectivity, out, workspace,
                                  [](const MaskEdit& edit, auto& memory, auto... stream) {
                                    return fill_holes(edit, stream..., memory);
                                  });
}

}  // namespace

void register_component_edits(py::module_& m) {
  m.def("remove_small", &bind_remove_small, "mask"_a, "min_pixels"_a, "connectivity"_a, "out"_a,
        "workspace"_a);
  m.def("queue_remove_small", &bind_queue_remove_small, "mask"_a, "min_pixels"_a, "connectivity"_a,
        "workspace"_a, "counts"_a);
  m.def("keep_largest", &bind_keep_largest, "mask"_a, "keep"_a, "connectivity"_a, "out"_a,
        "workspace"_a);
  m.def("fill_holes", &bind_fill_holes, "mask"_a, "connectivity"_a, "out"_a, "workspace"_a);
}

}  // namespace angio
