# The kernels, compiled once per target. -fno-trapping-math lets GCC vectorise a clamp;
# -ffp-contract=off keeps host and device bits alike; never -ffast-math, NaN has a meaning here.
set(ANGIO_FLAGS -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off -Wall -Wextra
  -Wno-unknown-pragmas)
if(ANGIO_CUDA STREQUAL "EMULATE")  # tests its CUDA half only, and should be built soon
  list(APPEND ANGIO_FLAGS -O1)
endif()

add_library(angio_kernels INTERFACE)
target_include_directories(angio_kernels INTERFACE csrc)

function(angio_add_objects name)
  cmake_parse_arguments(ARG "" "TARGET" "SOURCES;FLAGS" ${ARGN})
  add_library(${name} OBJECT ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE csrc)
  target_compile_features(${name} PRIVATE cxx_std_17)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden)
  target_compile_options(${name} PRIVATE ${ARG_FLAGS})
  if(ARG_TARGET)
    target_compile_definitions(${name} PRIVATE ANGIO_TARGET=${ARG_TARGET})
  endif()
  target_link_libraries(angio_kernels INTERFACE $<TARGET_OBJECTS:${name}>)
endfunction()

# Single-source kernels are .cu files; for a CPU target they are plain C++. A copy of the list is
# needed because a source file has one language per directory.
function(angio_cpp_copies out)
  set(copies)
  foreach(source ${ARGN})
    string(REGEX REPLACE "^csrc/|[.]cu$" "" stem ${source})
    set(copy ${CMAKE_CURRENT_BINARY_DIR}/as_cpp/${stem}.cpp)
    file(CONFIGURE OUTPUT ${copy} CONTENT "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${source}\"\n")
    list(APPEND copies ${copy})
  endforeach()
  set(${out} ${copies} PARENT_SCOPE)
endfunction()

angio_cpp_copies(cpu_sources ${ANGIO_TARGET_SOURCES})
list(APPEND cpu_sources ${ANGIO_CPU_TARGET_SOURCES})

angio_add_objects(angio_baseline TARGET baseline SOURCES ${cpu_sources} FLAGS ${ANGIO_FLAGS})
angio_add_objects(angio_host SOURCES ${ANGIO_CPU_SOURCES} FLAGS ${ANGIO_FLAGS})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT ANGIO_CUDA STREQUAL "EMULATE")
  target_compile_definitions(angio_kernels INTERFACE ANGIO_X86_TARGETS)
  target_compile_definitions(angio_host PRIVATE ANGIO_X86_TARGETS)
  angio_add_objects(angio_v3 TARGET x86_v3 SOURCES ${cpu_sources}
    FLAGS ${ANGIO_FLAGS} -march=x86-64-v3)
  angio_add_objects(angio_v4 TARGET x86_v4 SOURCES ${cpu_sources}
    FLAGS ${ANGIO_FLAGS} -march=x86-64-v4 -mprefer-vector-width=512)
endif()
if(ANGIO_CUDA STREQUAL "EMULATE")  # the .cu files as C++, over the stand-in of cuda_runtime.h
  angio_cpp_copies(emulated_sources ${ANGIO_TARGET_SOURCES} ${ANGIO_CUDA_SOURCES})
  angio_add_objects(angio_cuda TARGET cuda FLAGS -O1 -ffp-contract=off -Wall -Wextra
    SOURCES ${emulated_sources} csrc/emulation/fibers.cpp csrc/emulation/memory.cpp)
  target_include_directories(angio_cuda BEFORE PRIVATE csrc/emulation)
  target_compile_definitions(angio_cuda PRIVATE __CUDACC__ ANGIO_EMULATE_CUDA)
  target_compile_definitions(angio_host PRIVATE ANGIO_EMULATE_CUDA)
elseif(ANGIO_HAS_CUDA)
  find_package(CUDAToolkit REQUIRED)
  angio_add_objects(angio_cuda TARGET cuda SOURCES ${ANGIO_TARGET_SOURCES} ${ANGIO_CUDA_SOURCES}
    FLAGS -O3 -fmad=false -Xcompiler=-ffp-contract=off,-fno-math-errno)
  target_include_directories(angio_host PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(angio_kernels INTERFACE CUDA::cudart_static)
endif()
if(ANGIO_HAS_CUDA)
  target_compile_definitions(angio_cuda PRIVATE ANGIO_CUDA)
  target_compile_definitions(angio_kernels INTERFACE ANGIO_CUDA)
  target_compile_definitions(angio_host PRIVATE ANGIO_CUDA)
endif()
