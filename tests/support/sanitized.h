#pragma once

namespace attend::test {

/// True under AddressSanitizer, which keeps freed memory and slows everything down.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

}  // namespace attend::test
