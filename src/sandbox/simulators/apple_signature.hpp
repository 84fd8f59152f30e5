#pragma once

#include <string>

#include "sandbox/simulators/apple_device.hpp"
#include "sandbox/simulators/apple_papers.hpp"

/// The broker: the detached signature over what a device encrypted.
namespace kassi::sandbox::apple {

/// CMS SignedData over `message`, with the flaw of the order where it is one of a signature.
std::string sign(const Order& order, const Signers& signers, const std::string& message);

}  // namespace kassi::sandbox::apple
