#pragma once

namespace attend::test {

/// True under AddressSanitizer, which keeps freed memory and slows everything down: a few steps of a training
/// touch the same code as many, and what it reaches is asked elsewhere.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

}  // namespace attend::test
