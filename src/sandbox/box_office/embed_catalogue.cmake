# cmake -D INPUT=catalogue.json -D OUTPUT=... -P embed_catalogue.cmake: the catalogue as a C++ string.
file(READ ${INPUT} json)
file(WRITE ${OUTPUT}.new "// Made from catalogue.json by embed_catalogue.cmake.
#include \"sandbox/box_office/catalogue.hpp\"

namespace kassi::sandbox::box_office {

std::string_view catalogue_json() {
    return R\"kassi_json(${json})kassi_json\";
}

}  // namespace kassi::sandbox::box_office
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
