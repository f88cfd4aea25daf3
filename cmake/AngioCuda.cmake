# Decides whether the CUDA kernels are built, and says why.
set(ANGIO_HAS_CUDA OFF)
if(ANGIO_CUDA STREQUAL "OFF")
  set(ANGIO_CUDA_DECISION "not built: ANGIO_CUDA=OFF")
elseif(ANGIO_CUDA STREQUAL "EMULATE")
  set(ANGIO_HAS_CUDA ON)
  set(ANGIO_CUDA_DECISION "emulated on the host, for tests only")
else()
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "87-real;90-real")  # Orin, Hopper
    set(add_newer ON)
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_RUNTIME_LIBRARY Static)  # the module imports where there is no GPU and no driver
    enable_language(CUDA)
    if(add_newer AND CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
      list(APPEND CMAKE_CUDA_ARCHITECTURES 110-real)  # Thor, which CUDA 12 does not know
    endif()
    set(ANGIO_HAS_CUDA ON)
    string(REPLACE ";" " " architectures "${CMAKE_CUDA_ARCHITECTURES}")
    set(ANGIO_CUDA_DECISION
      "built by nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${architectures}")
  elseif(ANGIO_CUDA STREQUAL "ON")
    message(FATAL_ERROR "ANGIO_CUDA=ON, but nvcc was not found. Install the CUDA toolkit, add it to "
                        "PATH or set CMAKE_CUDA_COMPILER; or build with ANGIO_CUDA=AUTO.")
  else()
    set(ANGIO_CUDA_DECISION "not built: nvcc was not found")
  endif()
endif()
message(STATUS "AngioEdge CUDA kernels ${ANGIO_CUDA_DECISION}")
