#include "core/ids.hpp"

#include <cstring>
#include <utility>

namespace unroll {

Ids Ids::empty(const Shape& shape) {
    Ids ids;
    ids.storage_ = Storage::acquire(size_t(shape.size()) * sizeof(int32_t));
    ids.begin_ = static_cast<int32_t*>(ids.storage_->data());
    ids.shape_ = shape;
    return ids;
}

Ids::Ids(const std::vector<int32_t>& values, const Shape& shape, Where at) : Ids(empty(shape)) {
    if (int64_t(values.size()) != shape.size())
        fail("Ids", at, "{} numbers for the shape {}", values.size(), shape.str());
    if (!values.empty()) std::memcpy(begin_, values.data(), values.size() * sizeof(int32_t));
}

Ids::Ids(const std::vector<int32_t>& values, Where at) : Ids(values, Shape{int64_t(values.size())}, at) {}

Ids::Ids(const Ids& other) : storage_(other.storage_), begin_(other.begin_), shape_(other.shape_) {
    if (storage_ != nullptr) storage_->references++;
}

Ids::Ids(Ids&& other) noexcept
    : storage_(std::exchange(other.storage_, nullptr)),
      begin_(std::exchange(other.begin_, nullptr)),
      shape_(other.shape_) {}

Ids& Ids::operator=(Ids other) noexcept {
    std::swap(storage_, other.storage_);
    std::swap(begin_, other.begin_);
    shape_ = other.shape_;
    return *this;
}

Ids::~Ids() {
    if (storage_ != nullptr) Storage::release(storage_);
}

Ids Ids::slice(int64_t begin, int64_t end, Where at) const {
    if (shape_.rank() == 0 || begin < 0 || end < begin || end > shape_[0])
        fail("slice", at, "rows {} to {} of {}", begin, end, shape_.str());
    Ids ids = *this;
    ids.begin_ += begin * (shape_[0] > 0 ? size() / shape_[0] : 0);
    ids.shape_ = shape_.with(0, {end - begin, shape_.axis(0)});
    return ids;
}

Ids Ids::row(int64_t i, Where at) const {
    Ids ids = slice(i, i + 1, at);
    ids.shape_ = shape_.without(0);
    return ids;
}

Ids Ids::reshape(const Shape& shape, Where at) const {
    if (shape.size() != size()) fail("reshape", at, "{} into {}", shape_.str(), shape.str());
    Ids ids = *this;
    ids.shape_ = shape;
    return ids;
}

Ids Ids::clone() const {
    if (!defined()) return {};
    Ids ids = empty(shape_);
    std::memcpy(ids.begin_, begin_, size_t(size()) * sizeof(int32_t));
    return ids;
}

void check_lengths(const char* operation, const Ids& lengths, int64_t B, int64_t least, Dim longest, Where at) {
    const int64_t n = lengths.defined() ? lengths.size() : 0;
    if (n != B) fail(operation, at, "{} lengths for a batch of {}", n, B);
    for (int64_t b = 0; b < B; b++)
        if (lengths[b] < least || lengths[b] > longest.size)
            fail(operation, at, "length {} of sequence {}: expected {} to {} = {}", lengths[b], b, least, longest.axis,
                 longest.size);
}

void check_rows(const char* operation, const Ids& ids, int64_t V, const std::string& matrix, Where at) {
    if (!ids.defined()) fail(operation, at, "the ids are empty: no numbers were ever put in");
    for (int64_t i = 0; i < ids.size(); i++)
        if (ids[i] < 0 || ids[i] >= V)
            fail(operation, at, "ids{} is {}: not a row of {}", ids.shape().place(i), ids[i], matrix);
}

}  // namespace unroll
