# riscv_image(name SOURCES ... LINKER_SCRIPT file [OPTIONS flags...] [ABI soft|hard]): a freestanding
# RISC-V ELF, built with Debian's cross compiler beside the host code (target `name`, file `name.elf`,
# flat binary `name.bin`), so one build directory holds everything.
find_program(HVSIM_RISCV_CXX riscv64-linux-gnu-g++)
find_program(HVSIM_RISCV_OBJCOPY riscv64-linux-gnu-objcopy)

function(riscv_image name)
  cmake_parse_arguments(arg "" "LINKER_SCRIPT;ABI" "SOURCES;OPTIONS;LIBRARIES" ${ARGN})
  if(NOT HVSIM_TARGET_IMAGES)
    return()
  endif()
  if(NOT HVSIM_RISCV_CXX)
    message(FATAL_ERROR "riscv64-linux-gnu-g++ is missing: apt-get install g++-riscv64-linux-gnu")
  endif()
  if(arg_ABI STREQUAL "soft")
    # glibc's headers ask for a stub header per ABI; an empty one serves a freestanding build.
    set(stub ${CMAKE_BINARY_DIR}/riscv-stubs)
    file(WRITE ${stub}/gnu/stubs-lp64.h "")
    set(abi -march=rv64imac_zicsr_zifencei -mabi=lp64 -isystem ${stub})
  else()
    set(abi -march=rv64imafdc_zicsr_zifencei -mabi=lp64d)
  endif()
  # The same image in whatever folder it is built; GDB finds sources from the repository's root.
  set(flags -std=c++20 -O2 -g -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -ffreestanding -nostdlib -static -fno-exceptions -fno-rtti -fno-pic -no-pie
    -fno-threadsafe-statics -fno-stack-protector -fno-asynchronous-unwind-tables -mcmodel=medany
    -ffunction-sections -fdata-sections -fno-builtin-printf -mno-relax
    -Wall -Wextra -Wshadow -Wconversion -Werror -I${CMAKE_SOURCE_DIR} ${abi} ${arg_OPTIONS})
  set(objects)
  foreach(source ${arg_SOURCES})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE relative)
    string(REPLACE "/" "_" object ${relative})
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.dir/${object}.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/${name}.dir
      COMMAND ${HVSIM_CCACHE} ${HVSIM_RISCV_CXX} ${flags} -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
      DEPENDS ${source} DEPFILE ${object}.d VERBATIM COMMENT "RISC-V ${relative}")
    list(APPEND objects ${object})
  endforeach()
  set(elf ${CMAKE_CURRENT_BINARY_DIR}/${name}.elf)
  set(bin ${CMAKE_CURRENT_BINARY_DIR}/${name}.bin)
  cmake_path(ABSOLUTE_PATH arg_LINKER_SCRIPT BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  add_custom_command(OUTPUT ${elf} ${bin}
    COMMAND ${HVSIM_RISCV_CXX} ${flags} -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,max-page-size=4096
            -T ${arg_LINKER_SCRIPT} ${objects} -lgcc -o ${elf}
    COMMAND ${HVSIM_RISCV_OBJCOPY} -O binary ${elf} ${bin}
    DEPENDS ${objects} ${arg_LINKER_SCRIPT} VERBATIM COMMENT "RISC-V image ${name}")
  add_custom_target(${name} ALL DEPENDS ${elf} ${bin})
  set_target_properties(${name} PROPERTIES HVSIM_ELF ${elf} HVSIM_BIN ${bin})
endfunction()
