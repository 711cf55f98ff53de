// The runtime: one file for the compiler, so that the checks are inlined into the hooks.
#include "runtime.h"

#include <cstdlib>
#include <cxxabi.h>
#include <link.h>
#include <new>
#include <sys/mman.h>
#include <vector>

namespace emulator {
const Launch *launch;
bool checking;
char *module_base, *code_end;
Range shared_memory;
static std::vector<Range> module_ranges;
}  // namespace emulator

#include "faults.cpp"
#include "fibers.cpp"
#include "schedule.cpp"
#include "shadow.cpp"

#include "hooks.cpp"

namespace emulator {

// Finds the module that holds the kernel, and its thread-local storage.
static int find_module(dl_phdr_info *info, size_t, void *) {
    const char *kernel = (const char *)launch->kernel;
    bool found = false;
    module_ranges.clear();
    code_end = nullptr;
    shared_memory = {};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const auto &header = info->dlpi_phdr[i];
        char *begin = (char *)info->dlpi_addr + header.p_vaddr, *end = begin + header.p_memsz;
        if (header.p_type == PT_TLS) {
            char *storage = (char *)info->dlpi_tls_data;
            if (storage) shared_memory = {storage, storage + header.p_memsz, true};
        }
        if (header.p_type != PT_LOAD) continue;
        module_ranges.push_back({begin, end, (header.p_flags & PF_W) != 0});
        if (header.p_flags & PF_X && end > code_end) code_end = end;
        if (kernel >= begin && kernel < end) found = true;
    }
    module_base = (char *)info->dlpi_addr;
    return found;
}

static bool prepare() {
    launch->touch_shared();
    dl_iterate_phdr(find_module, nullptr);
    float_atomics = 0;
    printed.clear();
    n_reports = 0;
    status = FINISHED;
    last_site = nullptr;
    busy = 0;
    pending = 0;
    checking = launch->flags & CHECK;
    return have_stacks() && (!checking || prepare_shadow());
}

}  // namespace emulator

#define EXPORT extern "C" __attribute__((visibility("default")))

// Frees what the last outcome points to.
EXPORT void emulator_release() {
    release_records();
}

EXPORT void emulator_launch(const Launch *what, Outcome *outcome) {
    emulator_release();
    launch = what;
    if (prepare()) {
        if (sigsetjmp(start_of_launch, 1) == 0) {
            if (watch())
                run_blocks();
            else
                status = NO_MEMORY;
        } else {
            forget_fibers();
        }
        busy = 1;  // from here on signals do not jump
        unwatch();
    } else {
        status = NO_MEMORY;
    }
    current = -1;
    release_shadow();
    if (status == FINISHED && n_reports > 0) status = FAULT;
    outcome->status = status;
    outcome->n_reports = n_reports;
    outcome->reports = reports;
    outcome->float_atomics = float_atomics;
    outcome->printed = printed.data();
    outcome->printed_bytes = printed.size();
    outcome->records = profile_records(outcome->n_records);
    launch = nullptr;
}

// In a forked child no launch is under way. If one was in another thread of the parent, the timer
// and the thread stayed there; what that thread may have been changing is begun anew.
EXPORT void emulator_after_fork() {
    if (!launch) return;
    restore_handlers();
    has_timer = false;
    new (&shadows) std::vector<Shadow>;
    new (&blocks) std::vector<std::pair<uint64_t, uint64_t>>;
    new (&module_ranges) std::vector<Range>;
    new (&printed) std::string;
    emulator_release();
    launch = nullptr;
    current = -1;
    busy = 0;
    forget_fibers();
}

EXPORT const char *emulator_demangle(const char *name) {
    static char *text;
    free(text);
    int failed;
    text = abi::__cxa_demangle(name, nullptr, nullptr, &failed);
    return text ? text : name;
}
