// Runs the blocks of a launch: fibers on one processor thread, in random order.
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "emulation/cuda_runtime.h"
#include "emulation/memory.h"

namespace angio::emulation {

Place place;
dim3 block_size;
dim3 grid_size;

namespace {

constexpr std::size_t kStack = 1 << 16;
constexpr std::size_t kSharedMemory = 48 << 10;  // what every CUDA device has
constexpr int kBlocksInFlight = 3;

struct Block;

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack{new char[kStack]};
  Block* block = nullptr;
  Place place;
};

struct Block {
  std::vector<Fiber*> waiting;  // at the barrier
  std::size_t alive = 0;
  std::unique_ptr<char[]> shared{new char[kSharedMemory]};
};

enum class Left { ended, barrier, yielded };

std::mutex one_launch;
std::uint64_t random_state = 0x9e3779b97f4a7c15;
ucontext_t scheduler;
Fiber* current = nullptr;
Left left;
const std::function<void()>* body;

unsigned draw(unsigned below) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return unsigned((random_state >> 33) % below);
}

void leave(Left how) {
  left = how;
  swapcontext(&current->context, &scheduler);
}

void enter() {
  (*body)();
  leave(Left::ended);
}

class Launch {
 public:
  Launch(const dim3& blocks, const dim3& threads) : threads_(threads) {
    for (unsigned z = 0; z < blocks.z; ++z)
      for (unsigned y = 0; y < blocks.y; ++y)
        for (unsigned x = 0; x < blocks.x; ++x) pending_.push_back({x, y, z});
  }

  void run() {
    for (int i = 0; i < kBlocksInFlight; ++i) start_block(std::make_unique<Block>());
    while (!ready_.empty()) {
      const std::size_t at = draw(unsigned(ready_.size()));
      Fiber* fiber = ready_[at];
      ready_[at] = ready_.back();
      ready_.pop_back();
      resume(fiber);
    }
  }

 private:
  void start_block(std::unique_ptr<Block> block) {
    if (pending_.empty()) return;
    const std::size_t at = draw(unsigned(pending_.size()));
    const uint3 index = pending_[at];
    pending_[at] = pending_.back();
    pending_.pop_back();
    block->alive = std::size_t(threads_.x) * threads_.y * threads_.z;
    std::memset(block->shared.get(), 0xcd, kSharedMemory);
    for (unsigned i = 0; i < block->alive; ++i)
      start_fiber(block.get(),
                  {i % threads_.x, i / threads_.x % threads_.y, i / threads_.x / threads_.y},
                  index);
    blocks_.push_back(std::move(block));
  }

  void start_fiber(Block* block, const uint3& thread, const uint3& index) {
    if (idle_.empty()) {
      fibers_.push_back(std::make_unique<Fiber>());
      idle_.push_back(fibers_.back().get());
    }
    Fiber* fiber = idle_.back();
    idle_.pop_back();
    fiber->block = block;
    fiber->place = {thread, index};
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack.get();
    fiber->context.uc_stack.ss_size = kStack;
    makecontext(&fiber->context, enter, 0);
    ready_.push_back(fiber);
  }

  void resume(Fiber* fiber) {
    current = fiber;
    place = fiber->place;
    swapcontext(&scheduler, &fiber->context);
    Block& block = *fiber->block;
    if (left == Left::yielded) return ready_.push_back(fiber);
    if (left == Left::barrier) block.waiting.push_back(fiber);
    if (left == Left::ended) {
      idle_.push_back(fiber);
      if (--block.alive == 0) return start_block(take(&block));
      if (!block.waiting.empty()) fail("a thread ended while others of its block wait for it");
    }
    if (block.waiting.size() < block.alive) return;
    ready_.insert(ready_.end(), block.waiting.begin(), block.waiting.end());
    block.waiting.clear();
  }

  std::unique_ptr<Block> take(Block* block) {
    for (auto& owner : blocks_)
      if (owner.get() == block) {
        auto taken = std::move(owner);
        owner = std::move(blocks_.back());
        blocks_.pop_back();
        return taken;
      }
    fail("a block was lost");
  }

  dim3 threads_;
  std::vector<uint3> pending_;
  std::vector<Fiber*> ready_;
  std::vector<std::unique_ptr<Block>> blocks_;
  static inline std::vector<std::unique_ptr<Fiber>> fibers_;
  static inline std::vector<Fiber*> idle_;
};

}  // namespace

void fail(const char* why) {
  std::fprintf(stderr, "CUDA emulation: %s\n", why);
  std::abort();
}

void run(const dim3& blocks, const dim3& threads, const std::function<void()>& thread) {
  const std::lock_guard<std::mutex> lock(one_launch);
  const OpenMemory open;
  const std::size_t each = std::size_t(threads.x) * threads.y * threads.z;
  if (each == 0 || each > 1024 || blocks.x == 0 || blocks.y == 0 || blocks.z == 0)
    fail("a launch needs 1 to 1024 threads a block, and a block");
  if (blocks.y > 65535 || blocks.z > 65535) fail("a grid has at most 65535 blocks along y and z");
  body = &thread;
  block_size = threads;
  grid_size = blocks;
  Launch(blocks, threads).run();
}

void* shared_memory(std::size_t bytes) {
  if (bytes > kSharedMemory) fail("a block has 48 KiB of shared memory");
  return current->block->shared.get();
}

void barrier() { leave(Left::barrier); }

void yield() {
  if (draw(4) == 0) leave(Left::yielded);
}

}  // namespace angio::emulation
