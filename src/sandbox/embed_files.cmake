# cmake -D FOLDER=... -D OUTPUT=... -D HEADER=... -D NAMESPACE=... -D FUNCTION=... -P embed_files.cmake: every file of
# the folder as a C++ string, by its name.
file(GLOB files ${FOLDER}/*)
set(entries "")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  if(text MATCHES "\\)kassi_page\"")
    message(FATAL_ERROR "${file} holds the end of the literal that it is put in")
  endif()
  string(APPEND entries "    if (name == \"${name}\") return R\"kassi_page(${text})kassi_page\";\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Made from the files of a folder by embed_files.cmake.
#include \"${HEADER}\"

namespace ${NAMESPACE} {

std::string_view ${FUNCTION}(std::string_view name) {
${entries}    return {};
}

}  // namespace ${NAMESPACE}
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
