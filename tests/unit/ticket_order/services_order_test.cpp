#include "services_world.hpp"

/// What the helper routes lead to: an order by borgun3DFinalInfo, and a card that is kept.
namespace kassi::api::ticket_order::services {
namespace {

json order_of(const std::string& reservation, const char* part, const json& with, int price = 4'990) {
    return {{"order", {{"eventId", 1}, {"currency", "ISK"}}},
            {"orderDetails", json::array({{{"ticketPrice", price}, {"count", 1}}})},
            {"seatReservationTokenId", reservation},
            {part, with}};
}

class Ordered : public ServicesTest {
  protected:
    Reply order(const json& request) {
        return world_.post_text("/ticketOrder", request.dump(), "application/json");
    }
    static json final_part(const std::string& token, const std::string& mpi_token) {
        auto part = World::final_info("ABC123456789", token, mpi_token);
        return part;
    }
};

TEST_F(Ordered, ByAProofOfOurs) {
    for (const std::string card : {frictionless_card, challenge1_card, challenge2_card}) {
        const auto token = world_.token(card);
        auto part = final_part(token, world_.authenticated(token));
        part.erase("orderId");
        const auto reference = world_.order();
        const auto reply = order(order_of(reference, "borgun3DFinalInfo", part));
        EXPECT_EQ(reply.body.value("statusCode", -1), 0) << reply.raw.body;
        EXPECT_EQ(world_.transaction(reference).phase, core::Phase::purchased);
        // Spent, whichever door is asked.
        EXPECT_EQ(
            faults_of(world_.post("Finish3DProcess", World::final_info(world_.order(), token,
                                                                       part["threeDSecure"]["mpiToken"]))),
            "400 Request.ThreeDSecure.MpiToken: was used before: it is good for one payment;");
        EXPECT_EQ(
            faults_of(order(order_of(world_.order(), "borgun3DFinalInfo", part))),
            "400 Borgun3DFinalInfo.ThreeDSecure.MpiToken: was used before: it is good for one payment;");
    }
}

TEST_F(Ordered, NotByAnOpenChallengeOrAForeignProof) {
    const auto token = world_.token(challenge1_card);
    const auto enrolled = world_.enroll(token);
    const auto reference = world_.order();
    const auto with = [&](const std::string& mpi_token) {
        return faults_of(order(order_of(reference, "borgun3DFinalInfo", final_part(token, mpi_token))));
    };
    EXPECT_EQ(with(enrolled["response"]["mpiToken"]),
              "400 Borgun3DFinalInfo.ThreeDSecure.MpiToken: waits for the bank's answer: post it to "
              "/borgunServices/3DResVerification first;");
    EXPECT_EQ(with("mpi-4f1c7a90"),
              "400 Borgun3DFinalInfo.ThreeDSecure.MpiToken: was not issued here: enroll by "
              "/borgunServices/3DEnrollment;");
    EXPECT_TRUE(world_.gate().house->ledger().empty());
}

TEST_F(Ordered, ACardThatIsKeptPaysAsATokenAndTheTokenIsAnswered) {
    const json part = {{"paymentMethod",
                        {{"paymentType", "Card"},
                         {"pan", frictionless_card},
                         {"expMonth", "09"},
                         {"expYear", "2027"},
                         {"cvc", "415"}}},
                       {"amount", 4'990},
                       {"currency", "ISK"},
                       {"saveCardToToken", true}};
    const auto reference = world_.order();
    const auto reply = order(order_of(reference, "cardInfo", part));
    EXPECT_EQ(reply.body.value("statusCode", -1), 0) << reply.raw.body;
    const auto saved = reply.body.value("cardToken", "");
    EXPECT_TRUE(saved.starts_with("tm_")) << reply.raw.body;
    EXPECT_EQ(world_.disk().find("415533"), std::string::npos);
    // And pays again, after an authentication.
    EXPECT_EQ(world_.finish(world_.order(), saved, world_.authenticated(saved))["success"], true);
}

}  // namespace
}  // namespace kassi::api::ticket_order::services
