#include <cmath>
#include <type_traits>

#include "core/launch.h"
#include "core/logarithm.h"
#include "kernels/cuda/statistics.h"
#include "kernels/percentile_ranks.h"

namespace angio::cuda {
namespace {

constexpr int kBins = 256;
constexpr std::size_t kMostThreads = 1 << 16;  // each then takes several pixels

template <typename T>
struct Pixels {
  View2D<const T> values;
  View2D<const std::uint8_t> valid;  // all, where its data is null

  ANGIO_HD std::size_t count() const { return std::size_t(values.rows) * values.cols; }
};

// False where the pixel does not take part.
__device__ bool key_at(float value, std::uint32_t& key) {
  const auto bits = std::uint32_t(as_int(value));
  key = key_of(bits);
  return (bits & 0x7f800000u) != 0x7f800000u;
}

template <typename T>
__device__ bool key_at(T value, std::uint32_t& key) {
  key = value;
  return true;
}

struct DigitShared {
  std::uint32_t counts[kRanks][kBins];
};

// Counts one byte of the keys, apart for every prefix that is looked for.
template <typename T>
__global__ void count_digits(Pixels<T> pixels, const RankSearch* search, int shift,
                             std::uint32_t* histograms) {
  ANGIO_SHARED(DigitShared, shared);
  std::uint32_t* const counts = &shared.counts[0][0];
  const bool first = shift == 8 * int(sizeof(T)) - 8;
  for (unsigned i = threadIdx.x; i < kRanks * kBins; i += kBlock) counts[i] = 0;
  __syncthreads();
  for (std::size_t i = thread_index(); i < pixels.count(); i += thread_count()) {
    const int y = int(i / pixels.values.cols), x = int(i % pixels.values.cols);
    std::uint32_t key;
    if (pixels.valid.data && !pixels.valid.row(y)[x]) continue;
    if (!key_at(pixels.values.row(y)[x], key)) continue;
    const std::uint32_t digit = key >> shift & (kBins - 1);
    if (first) atomicAdd(&shared.counts[0][digit], 1u);
    for (int rank = 0; rank < kRanks && !first; ++rank)
      if (search->table[rank] == rank && key >> (shift + 8) == search->prefix[rank])
        atomicAdd(&shared.counts[rank][digit], 1u);
  }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < kRanks * kBins; i += kBlock)
    if (counts[i]) atomicAdd(histograms + i, counts[i]);
}

struct Percentages {
  double of[kRanks / 2];
};

// How many values there are, and which ranks are looked for among them.
__device__ void start(RankSearch& search, const DigitShared& shared, const Percentages& wanted) {
  std::uint32_t used = 0;
  for (int bin = 0; bin < kBins; ++bin) used += shared.counts[0][bin];
  search.used = used;
  for (int rank = 0; rank < kRanks; ++rank) {
    const auto below = std::int64_t(position_of(wanted.of[rank / 2], used));
    const std::int64_t above = below + 1 < used ? below + 1 : std::int64_t(used) - 1;
    search.left[rank] = used == 0 ? 0 : std::uint32_t(rank % 2 ? above : below);
    search.prefix[rank] = 0;
    search.table[rank] = 0;
  }
}

// One block adds the next byte to every prefix.
__global__ void enter_digits(RankSearch* search, std::uint32_t* histograms, Percentages wanted,
                             int first) {
  ANGIO_SHARED(DigitShared, shared);
  for (unsigned i = threadIdx.x; i < kRanks * kBins; i += kBlock) {
    (&shared.counts[0][0])[i] = histograms[i];
    histograms[i] = 0;  // for the next byte
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (first) start(*search, shared, wanted);
  if (search->used == 0) return;
  for (int rank = 0; rank < kRanks; ++rank) {
    const std::uint32_t* counts = shared.counts[search->table[rank]];
    std::uint32_t bin = 0;
    for (; counts[bin] <= search->left[rank]; ++bin) search->left[rank] -= counts[bin];
    search->prefix[rank] = search->prefix[rank] << 8 | bin;
  }
  for (int rank = 0; rank < kRanks; ++rank) {
    search->table[rank] = rank;
    for (int other = rank; other-- > 0;)
      if (search->prefix[other] == search->prefix[rank]) search->table[rank] = other;
  }
}

template <typename T>
ANGIO_HD double value_of(std::uint32_t key) {
  if constexpr (!std::is_same_v<T, float>) return key;
  return as_float(std::int32_t(bits_of(key)));
}

// Leaves what was found on the device. At most kRanks / 2 percentages.
template <typename T>
RankSearch* search_ranks(const Percentiles<T>& args, Stream stream, StatisticsMemory& memory) {
  const Pixels<T> pixels{args.pixels, args.valid};
  Percentages wanted{};
  for (int i = 0; i < args.count; ++i) wanted.of[i] = args.q[i];
  std::uint32_t* const histograms = memory.histograms.reserve(kRanks * kBins);
  RankSearch* const search = memory.search.reserve(1);
  const std::size_t threads = pixels.count() < kMostThreads ? pixels.count() : kMostThreads;
  clear_on_device(histograms, kRanks * kBins * sizeof *histograms, stream);
  clear_on_device(search, sizeof *search, stream);
  for (int shift = 8 * int(sizeof(T)) - 8; shift >= 0; shift -= 8) {
    const int first = shift == 8 * int(sizeof(T)) - 8;
    launch(stream, grid_for(threads), count_digits<T>, pixels, search, shift, histograms);
    launch(stream, grid_for(1), enter_digits, search, histograms, wanted, first);
  }
  return search;
}

template <typename T>
std::int64_t find(const Percentiles<T>& args, Stream stream, StatisticsMemory& memory) {
  const RankSearch* const search = search_ranks(args, stream, memory);
  RankSearch* const found = memory.found.reserve(1);
  copy_to_host(found, search, sizeof *found, stream);
  synchronise(stream);
  int next = 0;
  fill_values(args, found->used, [&](std::int64_t) { return value_of<T>(found->prefix[next++]); });
  return found->used;
}

// One thread; the numbers are those of the CPU.
template <typename T>
__global__ void write_window(const RankSearch* search, Percentages wanted, double* window) {
  if (thread_index() != 0) return;
  for (int i = 0; i < 2; ++i) {
    const double position = position_of(wanted.of[i], search->used);
    const double part = position - double(std::int64_t(position));
    window[i] = double(NAN);
    if (search->used == 0) continue;
    window[i] = interpolate(value_of<T>(search->prefix[2 * i]),
                            value_of<T>(search->prefix[2 * i + 1]), part);
  }
  window[2] = 1.0 / (window[1] - window[0]);
}

struct SumShared {
  std::int64_t sum;
};

template <typename T>
__global__ void add_laplacians(View2D<const T> pixels, std::int64_t* sum) {
  ANGIO_SHARED(SumShared, shared);
  if (threadIdx.x == 0) shared.sum = 0;
  __syncthreads();
  const std::size_t cols = std::size_t(pixels.cols) - 2, all = cols * (pixels.rows - 2);
  std::int64_t own = 0;
  for (std::size_t i = thread_index(); i < all; i += thread_count()) {
    const int y = int(i / cols), x = int(i % cols);
    const T *up = pixels.row(y) + x, *mid = pixels.row(y + 1) + x, *down = pixels.row(y + 2) + x;
    const int left = up[0] - 2 * mid[0] + down[0], right = up[2] - 2 * mid[2] + down[2];
    const int laplacian = left - 2 * (up[1] - 2 * mid[1] + down[1]) + right;
    own += laplacian < 0 ? -laplacian : laplacian;
  }
  atomic_add(&shared.sum, own);
  __syncthreads();
  if (threadIdx.x == 0) atomic_add(sum, shared.sum);
}

}  // namespace

template <typename T>
std::int64_t percentiles(const Percentiles<T>& args, Stream stream, StatisticsMemory& memory) {
  std::int64_t used = 0;
  int begin = 0;
  do {  // once without a percentage, to learn how many pixels were used
    Percentiles<T> part = args;
    part.q += begin;
    part.values += begin;
    part.count = args.count - begin < kRanks / 2 ? args.count - begin : kRanks / 2;
    used = find(part, stream, memory);
    begin += kRanks / 2;
  } while (begin < args.count);
  return used;
}

template <typename T>
void find_window(const Percentiles<T>& args, double* window, Stream stream,
                 StatisticsMemory& memory) {
  const RankSearch* const search = search_ranks(args, stream, memory);
  launch(stream, grid_for(1), write_window<T>, search, Percentages{{args.q[0], args.q[1]}}, window);
}

template <typename T>
std::int64_t laplacian_sum(const View2D<const T>& pixels, Stream stream, StatisticsMemory& memory) {
  const std::size_t all = std::size_t(pixels.rows - 2) * (pixels.cols - 2);
  std::int64_t* const sum = memory.sum.reserve(1);
  clear_on_device(sum, sizeof *sum, stream);
  launch(stream, grid_for(all < kMostThreads ? all : kMostThreads), add_laplacians<T>, pixels, sum);
  std::int64_t* const answer = memory.on_host.reserve(1);
  copy_to_host(answer, sum, sizeof *answer, stream);
  synchronise(stream);
  return *answer;
}

template std::int64_t percentiles(const Percentiles<std::uint8_t>&, Stream, StatisticsMemory&);
template std::int64_t percentiles(const Percentiles<std::uint16_t>&, Stream, StatisticsMemory&);
template std::int64_t percentiles(const Percentiles<float>&, Stream, StatisticsMemory&);
template void find_window(const Percentiles<std::uint8_t>&, double*, Stream, StatisticsMemory&);
template void find_window(const Percentiles<std::uint16_t>&, double*, Stream, StatisticsMemory&);
template void find_window(const Percentiles<float>&, double*, Stream, StatisticsMemory&);
template std::int64_t laplacian_sum(const View2D<const std::uint8_t>&, Stream, StatisticsMemory&);
template std::int64_t laplacian_sum(const View2D<const std::uint16_t>&, Stream, StatisticsMemory&);

}  // namespace angio::cuda
