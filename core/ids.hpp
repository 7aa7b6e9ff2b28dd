#pragma once
#include <cstdint>
#include <vector>

#include "core/shape.hpp"
#include "core/storage.hpp"

namespace unroll {

/// Whole numbers in memory: token ids, class targets, sequence lengths. A handle as Tensor is (copies share), without
/// arithmetic. Time-major [T, B] for sequences.
class Ids {
  public:
    Ids() = default;
    Ids(const std::vector<int32_t>& values, Where at = {});  // [n]
    Ids(const std::vector<int32_t>& values, const Shape& shape, Where at = {});
    static Ids empty(const Shape& shape);  // not initialised
    Ids(const Ids& other);
    Ids(Ids&& other) noexcept;
    Ids& operator=(Ids other) noexcept;
    ~Ids();

    bool defined() const { return storage_ != nullptr; }
    const Shape& shape() const { return shape_; }
    int64_t size() const { return shape_.size(); }
    const int32_t* data() const { return begin_; }
    int32_t* mutable_data() { return begin_; }
    int32_t operator[](int64_t i) const { return begin_[i]; }  // row-major order
    /// Views of the leading dimension, as Tensor's.
    Ids row(int64_t i, Where at = {}) const;
    Ids slice(int64_t begin, int64_t end, Where at = {}) const;
    Ids reshape(const Shape& shape, Where at = {}) const;
    Ids clone() const;  // the numbers copied: what a record keeps

  private:
    Storage* storage_ = nullptr;
    int32_t* begin_ = nullptr;
    Shape shape_;
};

/// Throws Error unless lengths are B numbers of `least` to `longest`.
void check_lengths(const char* operation, const Ids& lengths, int64_t B, int64_t least, Dim longest, Where at);

/// Throws Error unless every id is a row of `matrix` [V, ..], whose label the message has.
void check_rows(const char* operation, const Ids& ids, int64_t V, const std::string& matrix, Where at);

}  // namespace unroll
