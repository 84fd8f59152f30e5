#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace kassi {

/// Stands for the io thread: callbacks of other threads run where run_until() is called.
class Loop {
  public:
    void post(std::function<void()> callback) {
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(callback));
        }
        come_.notify_one();
    }
    /// Fails the test when nothing has happened for a long time.
    void run_until(const std::function<bool()>& enough) {
        constexpr std::chrono::seconds patience{60};
        while (!enough()) {
            std::function<void()> next;
            {
                std::unique_lock lock(mutex_);
                if (!come_.wait_for(lock, patience, [this] { return !queue_.empty(); }))
                    throw std::runtime_error("nothing happens any more");
                next = std::move(queue_.front());
                queue_.pop_front();
            }
            next();
        }
    }

  private:
    std::mutex mutex_;
    std::condition_variable come_;
    std::deque<std::function<void()>> queue_;
};

}  // namespace kassi
