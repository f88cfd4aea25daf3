#include "core/cuda_graph.h"

#include <stdexcept>

#if defined(ANGIO_CUDA) && !defined(ANGIO_EMULATE_CUDA)
#define ANGIO_CUDA_GRAPHS
#include <cuda_runtime_api.h>

#include "core/status.h"
#endif

namespace angio {

#ifdef ANGIO_CUDA_GRAPHS

namespace {

cudaStream_t stream_of(Stream stream) { return static_cast<cudaStream_t>(stream); }

}  // namespace

CudaGraph::CudaGraph(Stream stream) : stream_(stream) {
  if (stream == nullptr)
    throw std::runtime_error("stream must not be the default stream, which cannot be recorded");
}

CudaGraph::~CudaGraph() {
  if (recorded_ != nullptr) cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(recorded_));
}

void CudaGraph::begin() {
  check_cuda(cudaStreamBeginCapture(stream_of(stream_), cudaStreamCaptureModeThreadLocal),
             "recording a CUDA graph");
}

void CudaGraph::end() {
  cudaGraph_t graph = nullptr;
  check_cuda(cudaStreamEndCapture(stream_of(stream_), &graph), "recording a CUDA graph");
  cudaGraphExec_t recorded = nullptr;
  const cudaError_t status = cudaGraphInstantiate(&recorded, graph, 0);
  cudaGraphDestroy(graph);
  check_cuda(status, "preparing a CUDA graph");
  if (recorded_ != nullptr) cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(recorded_));
  recorded_ = recorded;
}

void CudaGraph::abandon() {
  cudaGraph_t graph = nullptr;
  if (cudaStreamEndCapture(stream_of(stream_), &graph) == cudaSuccess) cudaGraphDestroy(graph);
  cudaGetLastError();
}

void CudaGraph::launch() {
  if (recorded_ == nullptr) throw std::runtime_error("there is no recording to launch");
  check_cuda(cudaGraphLaunch(static_cast<cudaGraphExec_t>(recorded_), stream_of(stream_)),
             "launching a CUDA graph");
}

#else

CudaGraph::CudaGraph(Stream stream) : stream_(stream) {
  throw std::runtime_error("angioedge was built without CUDA here, so no CUDA graph is recorded");
}

CudaGraph::~CudaGraph() = default;
void CudaGraph::begin() {}
void CudaGraph::end() {}
void CudaGraph::abandon() {}
void CudaGraph::launch() {}

#endif

}  // namespace angio
