// An emulation of the part of CUDA that the kernels use, for tests on machines without a GPU.
//
// The threads of a block are fibers of one processor thread. Which of them runs next, and which
// blocks are in flight together, is drawn at random wherever one thread can see another: at
// barriers, atomics and shared loads. Device memory can only be touched by kernels and copies, ends
// where it ends, and starts as garbage; a kernel that is handed a pointer to host memory is
// refused. It shows that the code is right under these rules, never that it ran on CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#define __host__
#define __device__
#define __global__

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

namespace angio::emulation {

// Where the running fiber is.
struct Place {
  uint3 thread;
  uint3 block;
};
extern Place place;
extern dim3 block_size;
extern dim3 grid_size;

void run(const dim3& blocks, const dim3& threads, const std::function<void()>& thread);
void* shared_memory(std::size_t bytes);  // of the running block
void barrier();
void yield();  // here another thread may run
void check_words(const void* argument, std::size_t bytes);

// Takes a copy: half of an old pointer may lie in the padding between its members.
template <typename Argument>
void check_argument(Argument argument) {
  __builtin_clear_padding(&argument);
  check_words(&argument, sizeof argument);
}

}  // namespace angio::emulation

#define threadIdx (::angio::emulation::place.thread)
#define blockIdx (::angio::emulation::place.block)
#define blockDim (::angio::emulation::block_size)
#define gridDim (::angio::emulation::grid_size)

inline void __syncthreads() { angio::emulation::barrier(); }
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }

template <typename T, typename Change>
T emulated_atomic(T* at, Change change) {
  angio::emulation::yield();
  const T old = *at;
  *at = change(old);
  angio::emulation::yield();
  return old;
}
#define ANGIO_EMULATED_ATOMIC(name, T, expression)                      \
  inline T name(T* at, T value) {                                       \
    return emulated_atomic(at, [=](T old) -> T { return expression; }); \
  }
ANGIO_EMULATED_ATOMIC(atomicAdd, unsigned, old + value)
ANGIO_EMULATED_ATOMIC(atomicAdd, unsigned long long, old + value)
ANGIO_EMULATED_ATOMIC(atomicMin, int, old < value ? old : value)
ANGIO_EMULATED_ATOMIC(atomicMin, unsigned, old < value ? old : value)
ANGIO_EMULATED_ATOMIC(atomicMax, int, old > value ? old : value)
ANGIO_EMULATED_ATOMIC(atomicMax, unsigned, old > value ? old : value)
ANGIO_EMULATED_ATOMIC(atomicOr, unsigned, old | value)
#undef ANGIO_EMULATED_ATOMIC

enum cudaError_t { cudaSuccess = 0, cudaErrorMemoryAllocation = 2 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum { cudaEventDisableTiming = 2, cudaStreamNonBlocking = 1 };
using cudaStream_t = void*;
using cudaEvent_t = void*;

struct cudaDeviceProp {
  char name[256];
  int major, minor;
};

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t status);
cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** memory, std::size_t bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
