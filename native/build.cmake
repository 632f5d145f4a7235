# Brings the native build in build/ up to date: native/build.sh calls it, for Maven.
#
# Configures with `options` where that has not been done or where they are not empty, and builds.
# One at a time: a second one waits for the first, and finds nothing left to do.
cmake_minimum_required(VERSION 3.25)
get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}" DIRECTORY)
set(build "${root}/build")
file(MAKE_DIRECTORY "${build}")
file(LOCK "${build}/native.lock" GUARD PROCESS)

# A cache that another checkout left here (a copied folder) is of no use.
set(configure ${CMAKE_COMMAND} -S "${root}" -B "${build}" --log-level=NOTICE)
set(cached "")
if(EXISTS "${build}/CMakeCache.txt")
  file(STRINGS "${build}/CMakeCache.txt" cached REGEX "^CMAKE_(HOME_DIRECTORY|GENERATOR):")
  if(NOT cached MATCHES "CMAKE_HOME_DIRECTORY:INTERNAL=${root}(;|$)")
    list(APPEND configure --fresh)
    set(cached "")
  endif()
endif()
if(NOT cached MATCHES "CMAKE_GENERATOR:" AND NOT DEFINED ENV{CMAKE_GENERATOR})
  find_program(ninja ninja)
  if(ninja)
    list(APPEND configure -G Ninja)
  endif()
endif()

file(GLOB configured "${build}/build.ninja" "${build}/Makefile")
separate_arguments(options)
if(NOT cached OR NOT configured OR options)
  execute_process(COMMAND ${configure} ${options} RESULT_VARIABLE status ERROR_VARIABLE said)
  if(status EQUAL 0)
    string(STRIP "${said}" said)
    if(said)
      message(NOTICE "${said}")
    endif()
  elseif(said MATCHES "\n +(ggml [^\n]+)")
    # What fetch.cmake has to say, without CMake's account of where it said so.
    message(FATAL_ERROR " ${CMAKE_MATCH_1}")
  else()
    message(FATAL_ERROR " The native build cannot be configured.\n${said}")
  endif()
endif()

cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
execute_process(
  COMMAND ${CMAKE_COMMAND} --build "${build}" --parallel ${cores}
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR " The native build failed")
endif()
