# Helpers every folder's CMakeLists.txt uses.

find_program(HGF_CCACHE ccache)
if(HGF_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${HGF_CCACHE})
  # The precompiled header's time stamp must not decide whether an object is reused.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${HGF_CCACHE})
endif()

add_custom_target(hgf-tablegen)

# hgf_add_library(NAME sources... LINK libraries...)
# One static library per folder; every library reuses one precompiled header.
function(hgf_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-unused-parameter -fno-exceptions>)
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  add_dependencies(${name} hgf-tablegen)
  hgf_use_precompiled_header(${name})
endfunction()

# hgf_add_c_library(NAME sources... LINK libraries...): C11 for this machine; headers are found by what links it.
function(hgf_add_c_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_compile_options(${name} PRIVATE -D_GNU_SOURCE -Wall -Wextra)
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
endfunction()

# hgf_add_shared_library(NAME sources... LINK libraries...): C++ that is opened at run time.
function(hgf_add_shared_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} SHARED ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE
    -Wall -Wextra -Wno-unused-parameter -fno-exceptions -fvisibility=hidden)
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  target_link_options(${name} PRIVATE -fuse-ld=lld)
endfunction()

# hgf_add_tool(NAME sources... LINK libraries...)
function(hgf_add_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-unused-parameter -fno-exceptions>)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
  target_link_options(${name} PRIVATE -fuse-ld=lld)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin
    BUILD_RPATH ${LLVM_LIBRARY_DIR}
    INSTALL_RPATH ${LLVM_LIBRARY_DIR})
  add_dependencies(${name} hgf-tablegen)
  hgf_use_precompiled_header(${name})
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

function(hgf_use_precompiled_header name)
  if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
    if(NOT TARGET hgf-precompiled-header)
      file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")
      add_library(hgf-precompiled-header OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
      target_compile_options(hgf-precompiled-header PRIVATE
        -Wall -Wextra -Wno-unused-parameter -fno-exceptions -Xclang -fno-pch-timestamp)
      target_precompile_headers(hgf-precompiled-header PRIVATE
        ${CMAKE_SOURCE_DIR}/cmake/PrecompiledHeader.h)
    endif()
    target_compile_options(${name} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-Xclang -fno-pch-timestamp>)
    target_precompile_headers(${name} REUSE_FROM hgf-precompiled-header)
  endif()
endfunction()

# hgf_add_pass_declarations(PHASE): Passes.h.inc beside the header, from passes/PHASE/Passes.td.
function(hgf_add_pass_declarations phase)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name ${phase})
  add_custom_target(HGF${phase}PassesIncGen DEPENDS ${TABLEGEN_OUTPUT})
  add_dependencies(hgf-tablegen HGF${phase}PassesIncGen)
endfunction()
