# cmake -D FOLDER=... -D OUTPUT=... -P embed_migrations.cmake: schema/0001_*.sql ... as one C++ file.
file(GLOB files ${FOLDER}/*.sql)
list(SORT files)
set(texts "")
set(entries "")
set(number 0)
foreach(file IN LISTS files)
  math(EXPR number "${number} + 1")
  get_filename_component(name ${file} NAME_WE)
  string(LENGTH "${number}" digits)
  math(EXPR zeros "4 - ${digits}")
  string(REPEAT "0" ${zeros} padding)
  if(NOT name MATCHES "^${padding}${number}_[a-z0-9_]+$")
    message(FATAL_ERROR "${file}: the next migration must be called ${padding}${number}_what_it_does.sql")
  endif()
  file(READ ${file} sql)
  string(APPEND texts "constexpr std::string_view sql_${number} = R\"kassi_sql(${sql})kassi_sql\";\n")
  string(APPEND entries "    {\"${name}\", sql_${number}},\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Made from schema/*.sql by embed_migrations.cmake.
#include \"store/migrations.hpp\"

namespace kassi::store {
namespace {
${texts}
constexpr Migration all[] = {
${entries}};
}  // namespace

std::span<const Migration> migrations() { return all; }

}  // namespace kassi::store
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
