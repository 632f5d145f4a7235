# Makes `folder` hold the libraries of this build and no others, and `index`, which names them:
# those of `load` in the order in which they are loaded, an empty line, and the `plugins`, which
# ggml loads itself.
file(MAKE_DIRECTORY "${folder}")
file(LOCK "${folder}.lock" GUARD PROCESS)

# Copied beside and renamed: a process that has the old one mapped keeps it whole.
function(put source name)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E compare_files "${source}" "${folder}/${name}"
    RESULT_VARIABLE differs
    OUTPUT_QUIET ERROR_QUIET)
  if(differs)
    file(COPY_FILE "${source}" "${folder}/${name}.new")
    file(RENAME "${folder}/${name}.new" "${folder}/${name}")
  endif()
endfunction()

set(index "")
set(kept "${folder}/index")
foreach(kind load plugins)
  foreach(library IN LISTS ${kind})
    get_filename_component(name "${library}" NAME)
    put("${library}" "${name}")
    list(APPEND kept "${folder}/${name}")
    string(APPEND index "${name}\n")
  endforeach()
  string(APPEND index "\n")
endforeach()
file(WRITE "${folder}.index" "${index}")
put("${folder}.index" index)
file(REMOVE "${folder}.index")

file(GLOB found "${folder}/*")
list(REMOVE_ITEM found ${kept})
if(found)
  file(REMOVE ${found})
endif()
