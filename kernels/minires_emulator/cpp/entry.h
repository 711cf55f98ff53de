// Included after the user's code: for each kernel, a description of its parameters and a way to
// call it. Both are deduced from the kernel's C++ type, so that nothing has to be parsed.
#pragma once

namespace emulator {
// clang-format off
template <class T> struct without_pointer { using type = T; };
template <class T> struct without_pointer<T *> { using type = T; };
template <class T> struct without_const { using type = T; };
template <class T> struct without_const<const T> { using type = T; };
template <class T> struct without_volatile { using type = T; };
template <class T> struct without_volatile<volatile T> { using type = T; };

template <class T> constexpr int size_of() { return sizeof(T); }
template <> constexpr int size_of<void>() { return 0; }
template <class T> constexpr int align_of() { return alignof(T); }
template <> constexpr int align_of<void>() { return 1; }
// clang-format on

// b bool, i u signed and unsigned integers, f float, v void, P pointer, V anything else
template <class T>
constexpr char kind() {
    using t = T;
    if (__is_same(t, bool)) return 'b';
    if (__is_same(t, float) || __is_same(t, double)) return 'f';
    if (__is_same(t, void)) return 'v';
    if (!__is_same(typename without_pointer<t>::type, t)) return 'P';
    if (__is_same(t, char) || __is_same(t, signed char) || __is_same(t, short) ||
        __is_same(t, int) || __is_same(t, long) || __is_same(t, long long))
        return 'i';
    if (__is_same(t, unsigned char) || __is_same(t, unsigned short) || __is_same(t, unsigned) ||
        __is_same(t, unsigned long) || __is_same(t, unsigned long long))
        return 'u';
    return __is_enum(t) ? 'i' : 'V';
}

struct Parameter {
    int size, align, component_size;  // bytes, of what a pointer points to or of the value
    char kind, component_kind;        // component: of a vector type
    bool is_pointer, is_const;
};

template <class P>
constexpr Parameter describe() {
    using Target = typename without_volatile<typename without_pointer<P>::type>::type;
    using Mutable = typename without_const<Target>::type;
    using Value = typename without_volatile<Mutable>::type;
    using Component = typename component<Value>::type;
    constexpr bool is_pointer = !__is_same(typename without_pointer<P>::type, P);
    constexpr bool is_const = !__is_same(Mutable, Target);
    return {size_of<Value>(), align_of<Value>(), size_of<Component>(), kind<Value>(),
            kind<Component>(), is_pointer, is_const};
}

template <class... P>
const Parameter *parameters(void (*)(P...), int *count) {
    static constexpr Parameter all[] = {describe<P>()..., {}};
    *count = sizeof...(P);
    return all;
}

// A constructor called with braces: its arguments are evaluated from left to right.
struct Call {
    template <class... P>
    EMULATOR_UNCHECKED Call(void (*kernel)(P...), P... arguments) {
        kernel(arguments...);
    }
};
template <class... P>
EMULATOR_UNCHECKED void call(void (*kernel)(P...), void **arguments) {
    Call{kernel, *static_cast<typename without_const<P>::type *>(*arguments++)...};
}
}  // namespace emulator

// The parameters' names must not hide a kernel's.
#define EMULATOR_KERNEL(number, ...)                                                               \
    EMULATOR_EXPORT const emulator::Parameter *emulator_parameters_##number(int *emulator_count) { \
        return emulator::parameters(&__VA_ARGS__, emulator_count);                                 \
    }                                                                                              \
    EMULATOR_EXPORT EMULATOR_UNCHECKED void emulator_call_##number(void **emulator_arguments) {    \
        emulator::call(&__VA_ARGS__, emulator_arguments);                                          \
    }

// Makes sure that this thread has the module's thread-local storage.
EMULATOR_EXPORT EMULATOR_UNCHECKED void *emulator_touch_shared() {
    static thread_local char emulator_touched[16];
    return emulator_touched;
}
