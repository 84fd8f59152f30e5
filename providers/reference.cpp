#include "providers/reference.hpp"

namespace kassi::providers {

std::string reference_of(const core::Scene& scene) {
    return scene.transaction.id.text() + "-" + std::to_string(scene.leg.no);
}

std::string refund_reference_of(const core::Scene& scene) {
    return reference_of(scene) + "-" + std::to_string(scene.refund_no);
}

std::string key_of(const core::Scene& scene) {
    return key_of(scene, scene.verb);
}

std::string key_of(const core::Scene& scene, core::Verb verb) {
    std::string key = reference_of(scene) + "-" + std::string(word(verb));
    if (verb == core::Verb::refund) key += "-" + std::to_string(scene.refund_no);
    return key;
}

std::string known_reference(const core::Scene& scene, std::string_view kind) {
    const std::string* id = find_field(scene.leg.references, kind);
    return id == nullptr ? "" : *id;
}

}  // namespace kassi::providers
