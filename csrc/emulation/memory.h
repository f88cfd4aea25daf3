// Device memory of the emulation: closed to the host, except while a kernel or a copy runs.
#pragma once

namespace angio::emulation {

// Opens all device memory; scopes may nest.
class OpenMemory {
 public:
  OpenMemory();
  ~OpenMemory();
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;
};

[[noreturn]] void fail(const char* why);

}  // namespace angio::emulation
