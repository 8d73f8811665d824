# Compiler settings of all host code: ccache, a fast linker, warnings as errors, sanitizers.
find_program(HVSIM_CCACHE ccache)
if(HVSIM_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${HVSIM_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${HVSIM_CCACHE})
endif()
find_program(HVSIM_MOLD mold)
if(HVSIM_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(hvsim_options INTERFACE)
target_compile_options(hvsim_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)  # false positives in libstdc++'s string (GCC bug 105329)
target_include_directories(hvsim_options INTERFACE ${CMAKE_SOURCE_DIR})
if(HVSIM_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(HVSIM_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  # GCC's manual: with sanitizers, warnings of uninitialized values are often false (here in Boost.Graph's optional).
  target_compile_options(hvsim_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

# ccache takes precompiled headers only if told so.
function(hvsim_cache_with_precompiled_headers name)
  if(HVSIM_CCACHE)
    set_target_properties(${name} PROPERTIES CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND};-E;env;CCACHE_SLOPPINESS=pch_defines,time_macros;${HVSIM_CCACHE}")
  endif()
endfunction()

# A static library of every .cpp below this folder but the SystemC shells (*_module.cpp).
function(hvsim_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "_module\\.cpp$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC hvsim_options ${ARGN})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE hvsim_options ${ARGN})
  endif()
endfunction()
