# With the header, the stores to the whole tile configuration must survive -O3.
execute_process(
  COMMAND ${compiler} -O3 -mamx-tile -S -o - -include ${header}
          ${CMAKE_CURRENT_LIST_DIR}/amx-tile-config.cpp
  RESULT_VARIABLE status
  OUTPUT_VARIABLE assembly)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "the compiler refuses it")
elseif(NOT assembly MATCHES "ldtilecfg")
  message(FATAL_ERROR "there is no ldtilecfg in\n${assembly}")
elseif(NOT assembly MATCHES "1234605616436508552|287454020")
  message(FATAL_ERROR "a store to the tile configuration is lost in\n${assembly}")
endif()
