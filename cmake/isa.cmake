# Kernel sources are compiled once for each instruction set, each time in a namespace of its own, and chosen at run
# time (src/backend/cpu/isa.cpp). A name in ATTEND_ISAS is the namespace and the value of the variable ATTEND_ISA.
set(known_isas baseline avx2 avx512 avx512_bf16 amx)
set(ATTEND_ISAS "${known_isas}" CACHE STRING
  "Instruction sets that kernels are compiled for; native: the baseline and the widest of the machine that builds")
set(isas ${ATTEND_ISAS})
if(isas STREQUAL "native")
  file(READ /proc/cpuinfo processor)
  foreach(pair "avx2 avx2" "avx512f avx512" "avx512_bf16 avx512_bf16" "amx_bf16 amx")
    separate_arguments(pair)
    list(GET pair 0 flag)
    if(processor MATCHES " ${flag} ")
      list(GET pair 1 widest)
    endif()
  endforeach()
  # A system may keep its processor's widest instructions to itself, as Linux does with AMX where it is not asked.
  set(isas baseline ${widest})
endif()
foreach(isa IN LISTS isas)
  if(NOT isa IN_LIST known_isas)
    message(FATAL_ERROR "ATTEND_ISAS: unknown instruction set '${isa}'; there are: ${known_isas}, or native")
  endif()
endforeach()
# The widest last, as the program chooses.
set(ATTEND_ISAS "")
foreach(isa IN LISTS known_isas)
  if(isa IN_LIST isas)
    list(APPEND ATTEND_ISAS ${isa})
  endif()
endforeach()
set(ATTEND_FLAGS_baseline "")
set(ATTEND_FLAGS_avx2 -mavx2 -mfma -mf16c)
set(ATTEND_FLAGS_avx512 ${ATTEND_FLAGS_avx2} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
set(ATTEND_FLAGS_avx512_bf16 ${ATTEND_FLAGS_avx512} -mavx512bf16)
set(ATTEND_FLAGS_amx ${ATTEND_FLAGS_avx512_bf16} -mamx-tile -mamx-bf16)

# Sanitizers ask whether kernels are right, not whether they are fast, and take three times as long to compile at -O3.
set(ATTEND_KERNEL_OPTIMISATION -O3)
if(ATTEND_SANITIZE)
  set(ATTEND_KERNEL_OPTIMISATION -O1)
  # GCC 12 puts 64-byte vectors at addresses that are not multiples of 64 on the stack that finds uses after return
  # (GCC bug 110027), and the processor faults: kernels, which alone have such vectors, keep to the usual stack.
  set(ATTEND_KERNEL_STACK $<IF:$<CXX_COMPILER_ID:GNU>,--param=asan-use-after-return=0,-fsanitize-address-use-after-return=never>)
endif()

# Adds the given sources, once for each instruction set, to the target, and backend/cpu/compiled_isas.h, which lists
# the sets, to what it may include.
function(attend_add_isa_sources target)
  list(TRANSFORM ATTEND_ISAS REPLACE "(.+)" "X(\\1)" OUTPUT_VARIABLE compiled)
  list(JOIN compiled " " compiled)
  file(CONFIGURE OUTPUT generated/backend/cpu/compiled_isas.h @ONLY CONTENT
    "#define ATTEND_FOR_EACH_COMPILED_ISA(X) @compiled@\n")
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated)
  foreach(isa IN LISTS ATTEND_ISAS)
    set(objects ${target}_${isa})
    add_library(${objects} OBJECT ${ARGN})
    target_link_libraries(${objects} PRIVATE attend_compiler_options)
    target_compile_options(${objects} PRIVATE ${ATTEND_KERNEL_STACK})
    # No errno and no traps from mathematical functions: without these flags no loop with a square root vectorises.
    target_compile_options(${objects} PRIVATE ${ATTEND_KERNEL_OPTIMISATION} ${ATTEND_FLAGS_${isa}}
                                              -fno-math-errno -fno-trapping-math -ffp-contract=fast)
    # GCC 12 takes the undefined placeholder inside its own AVX-512 intrinsics for a mistake of the caller.
    target_compile_options(${objects} PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-uninitialized>")
    target_compile_definitions(${objects} PRIVATE ATTEND_ISA=${isa})
    target_include_directories(${objects} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
endfunction()
