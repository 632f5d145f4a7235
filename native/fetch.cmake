# tenon_fetch_ggml(<folder>): puts the pinned release's ggml/ into <folder>, once, and beside it its
# grammars/, which tests read: where these are not to be had, the tests do without.
#
# In this order: TENON_GGML_SOURCE where it is given; the npm package; git. Each way ends in a
# throw-away git repository that holds the pinned tree, and what is kept is checked out of that
# tree: content with another id never gets further. The folder gets its name last, so what an
# interrupted fetch leaves behind is never taken for a good one.
#
# Reads TENON_GGML_SOURCE, also from the environment, and the variables of pin.cmake. Runs in a
# project and in a script.

# Runs git, blind to the repository and the settings of whoever called us, and silent.
# The exit status goes to `status`, the standard output to `answer` and the last line of the
# standard error to `complaint`, in the caller's scope.
macro(tenon_git)
  execute_process(
    COMMAND
      ${CMAKE_COMMAND} -E env --unset=GIT_DIR --unset=GIT_WORK_TREE --unset=GIT_INDEX_FILE
      --unset=GIT_OBJECT_DIRECTORY --unset=GIT_COMMON_DIR --unset=GIT_NAMESPACE
      GIT_TERMINAL_PROMPT=0 LC_ALL=C ${TENON_GIT} -c core.autocrlf=input -c core.fileMode=false
      -c core.excludesFile=/dev/null -c core.attributesFile=/dev/null -c core.fsmonitor=false
      -c core.safecrlf=false -c advice.detachedHead=false ${ARGN}
    RESULT_VARIABLE status
    OUTPUT_VARIABLE answer
    ERROR_VARIABLE complaint
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
  string(REGEX REPLACE "^.*\n" "" complaint "${complaint}")
endmacro()

function(tenon_fetch_ggml folder)
  set(wanted "ggml ${TENON_GGML_VERSION}")
  if("${TENON_GGML_SOURCE}" STREQUAL "")
    set(TENON_GGML_SOURCE "$ENV{TENON_GGML_SOURCE}")
  endif()
  get_filename_component(parent "${folder}" DIRECTORY)
  file(MAKE_DIRECTORY "${parent}")
  file(LOCK "${folder}.lock" GUARD FUNCTION)

  # What was fetched before is what any other way would bring. A source that is newly named is
  # looked at all the same: a wrong one is better refused than passed over in silence.
  if(EXISTS "${folder}"
     AND ("${TENON_GGML_SOURCE}" STREQUAL ""
          OR "${TENON_GGML_SOURCE}" STREQUAL "$CACHE{TENON_GGML_SOURCE_SEEN}"))
    return()
  endif()

  find_program(TENON_GIT git)
  mark_as_advanced(TENON_GIT)
  if(NOT TENON_GIT)
    message(FATAL_ERROR " ${wanted} cannot be verified: there is no git")
  endif()

  set(work "${folder}.part")
  file(REMOVE_RECURSE "${work}")
  file(MAKE_DIRECTORY "${work}")
  set(tree "")
  if(NOT "${TENON_GGML_SOURCE}" STREQUAL "")
    tenon_from_source("${work}" tree why)
    set(source "${TENON_GGML_SOURCE}")
  else()
    message(STATUS "Fetching ${wanted} from npm's ${TENON_NPM_PACKAGE}")
    tenon_from_npm("${work}" tree why)
    set(source "npm's ${TENON_NPM_PACKAGE}")
    if(NOT tree STREQUAL TENON_GGML_TREE)
      message(STATUS "${why}; fetching ${TENON_GGML_TAG} of ${TENON_GGML_REPOSITORY}")
      set(first "${why}")
      tenon_from_git("${work}" tree why)
      set(why "${first}; ${why}")
      set(source "${TENON_GGML_TAG} of ${TENON_GGML_REPOSITORY}")
    endif()
  endif()

  if(tree STREQUAL "")
    file(REMOVE_RECURSE "${work}")
    message(FATAL_ERROR " ${wanted} is not to be had: ${why}. "
                        "Pass -DTENON_GGML_SOURCE=<a checkout of llama.cpp ${TENON_GGML_TAG}>, "
                        "or set it in the environment.")
  elseif(NOT tree STREQUAL TENON_GGML_TREE)
    file(REMOVE_RECURSE "${work}")
    message(FATAL_ERROR " ${source} is not ${wanted}: its tree is ${tree}, not ${TENON_GGML_TREE}")
  endif()

  if(NOT EXISTS "${folder}")
    file(REMOVE "${work}/git/index")
    file(MAKE_DIRECTORY "${work}/kept/ggml")
    tenon_git(--git-dir ${work}/git -c core.bare=false --work-tree ${work}/kept/ggml
              -C ${work}/kept/ggml read-tree --reset -u ${tree})
    if(NOT status EQUAL 0)
      file(REMOVE_RECURSE "${work}")
      message(FATAL_ERROR " ${wanted} cannot be written: ${complaint}")
    endif()
    tenon_keep_grammars("${work}")
    file(RENAME "${work}/kept" "${folder}")
  endif()
  file(REMOVE_RECURSE "${work}")
  set(TENON_GGML_SOURCE_SEEN "${TENON_GGML_SOURCE}" CACHE INTERNAL "")
endfunction()

# Checks the grammars out to <work>/kept/grammars, if they are there and have their tree id: in the
# repository that holds ggml, or beside ggml in a source that was given.
function(tenon_keep_grammars work)
  if("${TENON_GRAMMARS_TREE}" STREQUAL "")
    return()
  endif()
  set(git --git-dir ${work}/git)
  foreach(source "${TENON_GGML_SOURCE}/grammars" "${TENON_GGML_SOURCE}/../grammars")
    if(NOT "${TENON_GGML_SOURCE}" STREQUAL "" AND IS_DIRECTORY "${source}")
      file(REMOVE "${work}/git/index")
      tenon_git(${git} -c core.bare=false --work-tree ${source} -C ${source} add --all .)
      tenon_git(${git} write-tree)
      break()
    endif()
  endforeach()
  file(REMOVE "${work}/git/index")
  file(MAKE_DIRECTORY "${work}/kept/grammars")
  tenon_git(${git} -c core.bare=false --work-tree ${work}/kept/grammars
            -C ${work}/kept/grammars read-tree --reset -u ${TENON_GRAMMARS_TREE})
  if(NOT status EQUAL 0)
    file(REMOVE_RECURSE "${work}/kept/grammars")
    message(STATUS "The release's grammars are not there; the tests that read them will be skipped")
  endif()
endfunction()

# Each of the three makes the repository <work>/git and sets `tree` to the id of its ggml folder,
# or to nothing and `why` to the reason.

function(tenon_from_source work tree_variable why_variable)
  set(${tree_variable} "" PARENT_SCOPE)
  set(ggml "${TENON_GGML_SOURCE}")
  if(EXISTS "${ggml}/ggml/CMakeLists.txt")
    set(ggml "${ggml}/ggml")
  endif()
  if(NOT EXISTS "${ggml}/CMakeLists.txt")
    set(${why_variable} "there is no ggml in TENON_GGML_SOURCE=${TENON_GGML_SOURCE}" PARENT_SCOPE)
    return()
  endif()
  # Its files are taken as they lie there, whether it is a git checkout or not.
  tenon_git(init --quiet --bare ${work}/git)
  set(git --git-dir ${work}/git -c core.bare=false --work-tree ${ggml} -C ${ggml})
  if(status EQUAL 0)
    tenon_git(${git} add --all .)
  endif()
  foreach(file IN LISTS TENON_GGML_EXECUTABLES)
    if(status EQUAL 0 AND EXISTS "${ggml}/${file}")
      tenon_git(${git} update-index --chmod=+x ${file})
    endif()
  endforeach()
  if(status EQUAL 0)
    tenon_git(${git} write-tree)
  endif()
  if(status EQUAL 0)
    set(${tree_variable} "${answer}" PARENT_SCOPE)
  else()
    set(${why_variable} "git cannot read ${ggml} (${complaint})" PARENT_SCOPE)
  endif()
endfunction()

function(tenon_from_npm work tree_variable why_variable)
  set(${tree_variable} "" PARENT_SCOPE)
  find_program(TENON_NPM NAMES npm npm.cmd)
  mark_as_advanced(TENON_NPM)
  if(NOT TENON_NPM)
    set(${why_variable} "there is no npm" PARENT_SCOPE)
    return()
  endif()
  set(${why_variable} "npm cannot fetch ${TENON_NPM_PACKAGE}" PARENT_SCOPE)
  file(MAKE_DIRECTORY "${work}/npm")
  execute_process(
    COMMAND ${TENON_NPM} pack --silent --ignore-scripts --no-update-notifier --fetch-retries=1
            --fetch-retry-mintimeout=1000 ${TENON_NPM_PACKAGE}
    WORKING_DIRECTORY "${work}/npm"
    RESULT_VARIABLE status
    OUTPUT_QUIET ERROR_QUIET)
  file(GLOB archive "${work}/npm/*.tgz")
  if(NOT status EQUAL 0 OR NOT archive)
    return()
  endif()
  file(SHA512 "${archive}" hash)
  if(NOT hash STREQUAL TENON_NPM_SHA512)
    set(${why_variable} "npm's ${TENON_NPM_PACKAGE} does not have its hash" PARENT_SCOPE)
    return()
  endif()
  file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${work}/npm" PATTERNS ${TENON_NPM_BUNDLE})
  tenon_git(clone --quiet --bare ${work}/npm/${TENON_NPM_BUNDLE} ${work}/git)
  if(status EQUAL 0)
    tenon_git(--git-dir ${work}/git rev-parse HEAD:ggml)
  endif()
  if(status EQUAL 0)
    set(${tree_variable} "${answer}" PARENT_SCOPE)
  else()
    set(${why_variable} "${TENON_NPM_BUNDLE} holds no ggml (${complaint})" PARENT_SCOPE)
  endif()
endfunction()

# The commit and its trees alone come first; the files of ggml/ follow when they are checked out.
function(tenon_from_git work tree_variable why_variable)
  set(${tree_variable} "" PARENT_SCOPE)
  file(REMOVE_RECURSE "${work}/git")
  tenon_git(init --quiet --bare ${work}/git)
  set(git --git-dir ${work}/git)
  if(status EQUAL 0)
    tenon_git(${git} remote add origin ${TENON_GGML_REPOSITORY})
  endif()
  if(status EQUAL 0)
    tenon_git(${git} fetch --quiet --no-tags --depth=1 --filter=blob:none origin
              +refs/tags/${TENON_GGML_TAG}:refs/tags/${TENON_GGML_TAG})
  endif()
  if(status EQUAL 0)
    tenon_git(${git} rev-parse ${TENON_GGML_TAG}:ggml)
  endif()
  if(status EQUAL 0)
    set(${tree_variable} "${answer}" PARENT_SCOPE)
  else()
    set(what "${TENON_GGML_TAG} of ${TENON_GGML_REPOSITORY}")
    set(${why_variable} "git cannot fetch ${what} (${complaint})" PARENT_SCOPE)
  endif()
endfunction()
