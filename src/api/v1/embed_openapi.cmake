# cmake -D INPUT=... -D OUTPUT=... -P embed_openapi.cmake: the file as one C++ string.
file(READ ${INPUT} text)
if(text MATCHES "\\)kassi_yaml\"")
  message(FATAL_ERROR "${INPUT} holds the end of the literal that it is put in")
endif()
file(WRITE ${OUTPUT}.new "// Made from schema/openapi.yaml by embed_openapi.cmake.
#include \"api/v1/openapi.hpp\"

namespace kassi::api::v1 {

std::string_view openapi_yaml() { return R\"kassi_yaml(${text})kassi_yaml\"; }

}  // namespace kassi::api::v1
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
