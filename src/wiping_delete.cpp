#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>

/// What goes back to the heap is overwritten first: a card in a body, in a parsed document, in a buffer of
/// the network leaves nothing behind, whoever held it (PCI DSS 3.2: nothing of it is kept after the
/// authorisation). Only operator delete: what C libraries allocate is theirs to clean (OpenSSL does, with
/// SSL_OP_CLEANSE_PLAINTEXT). The sanitizers bring an operator delete of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

void free_wiped(void* memory) noexcept {
    if (memory == nullptr) return;
    ::explicit_bzero(memory, ::malloc_usable_size(memory));
    std::free(memory);  // as the library's own operator new allocates it
}

}  // namespace

void operator delete(void* memory) noexcept {
    free_wiped(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    free_wiped(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    free_wiped(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    free_wiped(memory);
}

#endif
