# What is linked into models: C sources, built per triple with the same flags in every build type, so that a sanitized
# compiler still makes plain models.

if(CMAKE_C_COMPILER_ID MATCHES Clang)
  set(HGF_TARGET_CLANG ${CMAKE_C_COMPILER})
else()
  find_program(HGF_TARGET_CLANG NAMES clang-22 clang REQUIRED)
endif()
find_program(HGF_TARGET_AR NAMES llvm-ar-22 llvm-ar REQUIRED)
set(HGF_TARGET_TRIPLES x86_64-linux-gnu aarch64-linux-gnu)
set(HGF_TARGET_FLAGS
  -std=c11 -D_GNU_SOURCE -O2 -fPIC -ffunction-sections -fdata-sections -fvisibility=hidden
  -Wall -Wextra -Werror -I${CMAKE_SOURCE_DIR}/lib/Runtime -I${CMAKE_SOURCE_DIR}/include)
# Debian's cross headers. Outlined atomics would need compiler-rt.
set(HGF_TARGET_FLAGS_aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include -mno-outline-atomics)
add_custom_target(hgf-runtime-archives ALL)

# hgf_add_target_archive(NAME sources...): lib/hgf/TRIPLE/NAME for every triple, out of sources of this folder.
function(hgf_add_target_archive name)
  foreach(triple ${HGF_TARGET_TRIPLES})
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${triple})
    file(MAKE_DIRECTORY ${folder} ${CMAKE_BINARY_DIR}/lib/hgf/${triple})
    set(objects)
    foreach(source ${ARGN})
      set(object ${folder}/${source}.o)
      add_custom_command(OUTPUT ${object}
        COMMAND ${HGF_TARGET_CLANG} --target=${triple} ${HGF_TARGET_FLAGS} ${HGF_TARGET_FLAGS_${triple}}
                -MD -MF ${object}.d -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
        DEPENDS ${source} DEPFILE ${object}.d VERBATIM
        COMMENT "Compiling ${source} for ${triple}")
      list(APPEND objects ${object})
    endforeach()
    set(archive ${CMAKE_BINARY_DIR}/lib/hgf/${triple}/${name})
    add_custom_command(OUTPUT ${archive}
      COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
      COMMAND ${HGF_TARGET_AR} rcsD ${archive} ${objects}
      DEPENDS ${objects} VERBATIM COMMENT "Archiving ${name} for ${triple}")
    add_custom_target(${triple}-${name} DEPENDS ${archive})
    add_dependencies(hgf-runtime-archives ${triple}-${name})
    install(FILES ${archive} DESTINATION lib/hgf/${triple})
  endforeach()
endfunction()
