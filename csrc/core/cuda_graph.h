// Records the work queued on a stream once and launches all of it with one call. PyCUDA cannot.
#pragma once

#include "core/device.h"

namespace angio {

// Work of one stream, recorded between begin and end. Recording runs nothing. The addresses and
// sizes it was recorded with must stay valid as long as it is launched.
class CudaGraph {
 public:
  // `stream` must not be the default stream. Throws std::runtime_error where the build has no CUDA.
  explicit CudaGraph(Stream stream);
  ~CudaGraph();
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  // Work that other threads queue meanwhile is not recorded and not disturbed.
  void begin();
  // Ends the recording and prepares it for launching. Throws what made the recording invalid.
  void end();
  // Ends a recording that shall not be used; never throws.
  void abandon();
  // Queues the recorded work on the stream.
  void launch();

 private:
  Stream stream_;
  void* recorded_ = nullptr;  // cudaGraphExec_t
};

}  // namespace angio
