// Disjoint sets whose root is their smallest member.
#pragma once

#include <cstddef>
#include <cstdint>

namespace angio {

struct UnionFind {
  std::uint32_t* parent;

  void reset(std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) parent[i] = std::uint32_t(i);
  }

  std::uint32_t find(std::uint32_t i) const {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  }

  void unite(std::uint32_t one, std::uint32_t other) const {
    if (parent[one] == parent[other]) return;
    one = find(one);
    other = find(other);
    if (one < other)
      parent[other] = one;
    else
      parent[one] = other;
  }

  // Afterwards parent[i] is the root of i.
  void flatten(std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) parent[i] = parent[parent[i]];
  }
};

}  // namespace angio
