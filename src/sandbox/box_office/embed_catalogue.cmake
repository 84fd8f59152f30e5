# cmake -D FOLDER=catalogue -D OUTPUT=... -P embed_catalogue.cmake: every file of the folder, by its name.
file(GLOB files ${FOLDER}/*.json)
set(entries "")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(APPEND entries "        {\"${name}\", R\"kassi_json(${text})kassi_json\"},\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Made from catalogue/ by embed_catalogue.cmake.
#include \"sandbox/box_office/catalogue.hpp\"

namespace kassi::sandbox::box_office {

std::span<const CatalogueFile> catalogue_files() {
    static constexpr CatalogueFile files[] = {
${entries}    };
    return files;
}

}  // namespace kassi::sandbox::box_office
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
