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

  // Rem's algorithm: climbs on the side of the larger parent and splices it below the smaller
  // (Patwary, Blair, Manne: Experiments on union-find algorithms, SEA 2010).
  void unite(std::uint32_t one, std::uint32_t other) const {
    while (parent[one] != parent[other]) {
      if (parent[one] < parent[other]) {
        const std::uint32_t swapped = one;
        one = other;
        other = swapped;
      }
      const std::uint32_t above = parent[one];
      parent[one] = parent[other];
      if (above == one) return;
      one = above;
    }
  }

  // Afterwards parent[i] is the root of i.
  void flatten(std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) parent[i] = parent[parent[i]];
  }
};

}  // namespace angio
