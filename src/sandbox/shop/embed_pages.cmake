# cmake -D FOLDER=... -D OUTPUT=... -P embed_pages.cmake: every file of the folder as a C++ string, by its name.
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
file(WRITE ${OUTPUT}.new "// Made from shop/pages by embed_pages.cmake.
#include \"sandbox/shop/pages.hpp\"

namespace kassi::sandbox::shop {

std::string_view page_file(std::string_view name) {
${entries}    return {};
}

}  // namespace kassi::sandbox::shop
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
