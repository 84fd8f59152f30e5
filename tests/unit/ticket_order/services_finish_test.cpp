#include <algorithm>

#include "api/ticket_order/services/orders.hpp"
#include "providers/order_id.hpp"
#include "services_world.hpp"

/// Finish3DProcess and its short version.
namespace kassi::api::ticket_order::services {
namespace {

std::size_t payments_sent(World& world) {
    std::size_t count = 0;
    for (const auto& request : world.sent())
        count += request.method == "POST" && request.target.ends_with("/api/payment") ? 1 : 0;
    return count;
}

TEST_F(ServicesTest, AnOrderIsPaidAsTheTableHasIt) {
    const auto token = world_.token(challenge1_card);
    const auto mpi_token = world_.authenticated(token);
    const auto order = world_.order();
    const auto reply = world_.post("Finish3DProcess", World::final_info(order, token, mpi_token));
    ASSERT_EQ(reply.status, 200) << reply.raw.body;
    EXPECT_EQ(reply.body["success"], true);
    EXPECT_EQ(reply.body["httpStatusCode"], 201);
    const auto& paid = reply.body["response"];
    EXPECT_TRUE(paid["transactionId"].get<std::string>().starts_with("tr_"));
    EXPECT_EQ(paid["transactionType"], "Sale");
    EXPECT_EQ(paid["amount"], 499'000);
    EXPECT_EQ(paid["currency"], "352");
    EXPECT_EQ(paid["oorderId"], order);
    EXPECT_EQ(paid["actionCode"], "000");
    EXPECT_EQ(paid["authCode"].get<std::string>().size(), 6U);
    EXPECT_EQ(paid["transactionStatus"], "Captured");
    EXPECT_TRUE(paid["transactionDate"].get<std::string>().starts_with("2026-01-10T10:00:00"));
    EXPECT_EQ(paid["paymentMethod"]["pan"], "558740******2011");
    EXPECT_EQ(paid["paymentMethod"]["token"], token);
    EXPECT_EQ(paid["paymentMethod"]["paymentType"], "TokenSingle");
    EXPECT_EQ(paid["threeDSecure"]["securityLevelInd"], "2");
    const auto transaction = world_.transaction(order);
    EXPECT_EQ(transaction.phase, core::Phase::purchased);
    EXPECT_EQ(transaction.legs.at(0).credential, "borgun_final");
    EXPECT_EQ(world_.gate().kinds(), (std::vector<std::string>{"held", "taken"}));
}

TEST_F(ServicesTest, TheShortVersionAndEveryNameOfAnOrder) {
    for (int i = 0; i < 3; ++i) {
        const auto token = world_.token(frictionless_card);
        const auto mpi_token = world_.authenticated(token);
        const auto reference = world_.order();
        const auto id = world_.transaction(reference).id;
        const std::string names[] = {reference, id.text(), providers::order_id(id, 0, 0)};
        const auto answer = world_.finish(names[i], token, mpi_token);
        EXPECT_EQ(answer.value("success", false), true) << answer;
        EXPECT_EQ(answer["response"]["oorderId"], names[i]);
    }
}

TEST_F(ServicesTest, TheSameAgainPaysNothingTwice) {
    const auto token = world_.token(frictionless_card);
    const auto mpi_token = world_.authenticated(token);
    const auto order = world_.order();
    const auto first = world_.finish(order, token, mpi_token);
    // However late: the proof has run out by now, and the seats' hold, too.
    world_.gate().advance(std::chrono::hours(3));
    EXPECT_EQ(world_.finish(order, token, mpi_token), first);
    EXPECT_EQ(payments_sent(world_), 1U);
    // The long form of the same proof names its currency: another request.
    EXPECT_EQ(faults_of(world_.post("Finish3DProcess", World::final_info(order, token, mpi_token))),
              "409 Request.OrderId: is or was paid by another request;");
}

TEST_F(ServicesTest, ManyAtOncePayOnce) {
    const auto token = world_.token(frictionless_card);
    const auto mpi_token = world_.authenticated(token);
    const auto order = world_.order();
    const auto replies =
        world_.post_at_once(8, "Finish3DProcess", World::final_info(order, token, mpi_token));
    for (const auto& reply : replies) {
        EXPECT_EQ(reply.body.value("success", false), true) << reply.raw.body;
        EXPECT_EQ(reply.body["response"]["transactionId"], replies[0].body["response"]["transactionId"]);
    }
    EXPECT_EQ(payments_sent(world_), 1U);
    EXPECT_EQ(world_.gate().kinds(), (std::vector<std::string>{"held", "taken"}));
}

TEST_F(ServicesTest, AnMpiTokenIsSpentOnce) {
    const auto token = world_.token(frictionless_card);
    const auto mpi_token = world_.authenticated(token);
    EXPECT_EQ(world_.finish(world_.order(), token, mpi_token)["success"], true);
    const auto other = world_.order();
    EXPECT_EQ(faults_of(world_.post("Finish3DProcess", World::final_info(other, token, mpi_token))),
              "400 Request.ThreeDSecure.MpiToken: was used before: it is good for one payment;");
    EXPECT_EQ(faults_of(world_.post(
                  "Finish3DProcessShortVersion",
                  {{"amount", 499'000}, {"mpiToken", mpi_token}, {"orderId", other}, {"token", token}})),
              "400 Request.MpiToken: was used before: it is good for one payment;");
    EXPECT_EQ(world_.transaction(other).phase, core::Phase::reserved);
    EXPECT_EQ(payments_sent(world_), 1U);
}

TEST_F(ServicesTest, AnOrderIsPaidByOneProofOnly) {
    const auto order = world_.order();
    const auto one = world_.token(frictionless_card), two = world_.token(challenge1_card);
    const auto proof_one = world_.authenticated(one), proof_two = world_.authenticated(two);
    EXPECT_EQ(world_.finish(order, one, proof_one)["success"], true);
    EXPECT_EQ(faults_of(world_.post("Finish3DProcess", World::final_info(order, two, proof_two))),
              "409 Request.OrderId: is or was paid by another request;");
    // The second proof is unspent.
    EXPECT_EQ(world_.finish(world_.order(), two, proof_two)["success"], true);
}

TEST_F(ServicesTest, ASecondProofThatComesAtTheSameMomentLoses) {
    const auto order = world_.order();
    std::vector<json> requests;
    for (const auto* card : {frictionless_card, challenge1_card}) {
        const auto token = world_.token(card);
        requests.push_back(World::final_info(order, token, world_.authenticated(token)));
    }
    // While the first one's commit is under way the order still looks free.
    const auto replies = world_.post_both("Finish3DProcess", requests[0], requests[1]);
    const int paid = static_cast<int>(std::count_if(replies.begin(), replies.end(), [](const Reply& reply) {
        return reply.body.value("success", false);
    }));
    EXPECT_EQ(paid, 1);
    EXPECT_EQ(faults_of(replies[0].status == 200 ? replies[1] : replies[0]),
              "409 Request.OrderId: is or was paid by another request;");
    EXPECT_EQ(payments_sent(world_), 1U);
    // And stays the loser.
    EXPECT_EQ(world_.post("Finish3DProcess", requests[1]).status, 409);
}

TEST_F(ServicesTest, WhatTheProofIsNotForIsRefused) {
    const auto token = world_.token(frictionless_card), other_token = world_.token(frictionless_card);
    const auto mpi_token = world_.authenticated(token);
    const auto refused = [&](const std::string& order, const std::string& card, const std::string& proof,
                             std::int64_t amount = 499'000) {
        return faults_of(world_.post("Finish3DProcess", World::final_info(order, card, proof, amount)));
    };
    const auto order = world_.order();
    EXPECT_EQ(refused(world_.order(5'990), token, mpi_token, 599'000),
              "400 Request.ThreeDSecure.MpiToken: was issued for another amount;");
    EXPECT_EQ(refused(order, other_token, mpi_token),
              "400 Request.ThreeDSecure.MpiToken: was issued for another card token;");
    EXPECT_EQ(
        refused(order, token, "mpi-4f1c7a90"),
        "400 Request.ThreeDSecure.MpiToken: was not issued here: enroll by /borgunServices/3DEnrollment;");
    auto tampered = mpi_token;
    tampered[30] = tampered[30] == 'A' ? 'B' : 'A';
    EXPECT_EQ(
        refused(order, token, tampered),
        "400 Request.ThreeDSecure.MpiToken: was not issued here: enroll by /borgunServices/3DEnrollment;");
    EXPECT_EQ(refused(order, token, mpi_token, 499'100),
              "400 Request.Amount: is not the order's, with two decimal places and without the point;");
    EXPECT_EQ(refused(order, token, mpi_token, 4'990),
              "400 Request.Amount: is not the order's, with two decimal places and without the point;");
    auto in_pounds = World::final_info(order, token, mpi_token);
    in_pounds["currency"] = "GBP";
    EXPECT_EQ(faults_of(world_.post("Finish3DProcess", in_pounds)),
              "400 Request.Currency: is not the order's: 352;");
    world_.gate().advance(certificate_life);
    EXPECT_EQ(refused(order, token, mpi_token),
              "400 Request.ThreeDSecure.MpiToken: has run out: enroll once more;");
    EXPECT_EQ(payments_sent(world_), 0U);
    EXPECT_EQ(world_.transaction(order).phase, core::Phase::reserved);
}

TEST_F(ServicesTest, AnOrderThatIsNotTheCallersIsNone) {
    const auto token = world_.token(frictionless_card);
    const auto mpi_token = world_.authenticated(token);
    const auto theirs = world_.order(4'990, "ISK", "neighbour");
    const auto id = world_.transaction(theirs).id;
    for (const auto& name : {theirs, id.text(), providers::order_id(id, 0, 0), std::string("ABC123456789"),
                             std::string("nonsense"), std::string("T000-0000-0000-0000")})
        EXPECT_EQ(faults_of(world_.post("Finish3DProcess", World::final_info(name, token, mpi_token))),
                  "400 Request.OrderId: names no order of yours;")
            << name;
    EXPECT_EQ(payments_sent(world_), 0U);
}

TEST_F(ServicesTest, OrdersAreLookedForAmongTheNewest) {
    std::vector<TransactionId> ids;
    for (int i = 0; i < 3; ++i) {
        ids.push_back(world_.transaction(world_.order()).id);
        world_.order(4'990, "ISK", "neighbour");
        world_.gate().advance(std::chrono::seconds(1));
    }
    const auto found = [&](std::size_t which, std::size_t look_through) {
        const auto view =
            find_order(world_.engine(), world_.caller(), providers::order_id(ids[which], 0, 0), look_through);
        return view && view->transaction.id == ids[which];
    };
    EXPECT_TRUE(found(2, 2));
    EXPECT_TRUE(found(1, 2));
    EXPECT_FALSE(found(0, 2));
    EXPECT_TRUE(found(0, 3));
    EXPECT_FALSE(found(2, 0));
}

TEST_F(ServicesTest, ANeighboursProofIsNone) {
    const auto token = world_.token(frictionless_card, "neighbour");
    const auto enrolled = world_.enroll(token, 4'990, "neighbour");
    EXPECT_EQ(
        faults_of(world_.post("Finish3DProcess",
                              World::final_info(world_.order(), token, enrolled["response"]["mpiToken"]))),
        "400 Request.ThreeDSecure.MpiToken: was not issued here: enroll by /borgunServices/3DEnrollment;");
}

TEST_F(ServicesTest, AForeignProofWhereItIsAllowed) {
    const auto token = world_.token(frictionless_card, "foreign");
    // By the gateway itself, without us.
    const auto enrolled =
        json::parse(world_.gate()
                        .api("POST", "mpi/v2/enrollment", acs::Borgun::enrollment(acs::Borgun::token(token)),
                             "100001_prOfapp-borgun")
                        .body);
    const auto order = world_.order(4'990, "ISK", "foreign");
    const auto reply =
        world_.post("Finish3DProcess", World::final_info(order, token, enrolled["MPIToken"]), "foreign");
    EXPECT_EQ(reply.body.value("success", false), true) << reply.raw.body;
}

TEST_F(ServicesTest, ADeclinedPayment) {
    const auto token = world_.token(sandbox::borgun::test_card(sandbox::borgun::How::at_once, 1, "116"));
    const auto mpi_token = world_.authenticated(token);
    const auto order = world_.order();
    const auto answer = world_.finish(order, token, mpi_token);
    EXPECT_EQ(answer["success"], false) << answer;
    EXPECT_EQ(answer["httpStatusCode"], 402);
    EXPECT_EQ(answer["response"]["actionCode"], "116");
    EXPECT_EQ(answer["response"]["transactionStatus"], "Declined");
    EXPECT_FALSE(answer["response"].contains("authCode"));
    EXPECT_FALSE(answer["message"].get<std::string>().empty());
    EXPECT_EQ(world_.transaction(order).phase, core::Phase::failed);
    EXPECT_EQ(world_.finish(order, token, mpi_token), answer) << "asked again, it is the same";
    EXPECT_EQ(payments_sent(world_), 1U);
}

TEST_F(ServicesTest, AfterADeclineAnotherCardWhereThePolicySaysSo) {
    const auto post = [&](const std::string& order, const std::string& card) {
        const auto token = world_.token(card, "again");
        const auto enrolled = world_.enroll(token, 4'990, "again");
        return world_
            .post("Finish3DProcess", World::final_info(order, token, enrolled["response"]["mpiToken"]),
                  "again")
            .body;
    };
    const auto order = world_.order(4'990, "ISK", "again");
    EXPECT_EQ(
        post(order, sandbox::borgun::test_card(sandbox::borgun::How::at_once, 1, "116"))["httpStatusCode"],
        402);
    EXPECT_EQ(post(order, frictionless_card)["success"], true);
}

TEST_F(ServicesTest, APaymentWithoutAnAnswerIsPendingAndThenKnown) {
    const auto token = world_.token(frictionless_card);
    const auto mpi_token = world_.authenticated(token);
    const auto order = world_.order();
    // The work is done, the answer is lost, and so are the looks.
    ASSERT_FALSE(world_.gate().house->set_faults({{.on = "payment", .what = "drop_answer"},
                                                  {.on = "token_look_up", .what = "dead", .times = 100},
                                                  {.on = "look_up", .what = "dead", .times = 100}}));
    const auto pending = world_.finish(order, token, mpi_token);
    EXPECT_EQ(pending["success"], false) << pending;
    EXPECT_EQ(pending["httpStatusCode"], 202);
    EXPECT_FALSE(pending["response"].contains("actionCode"));
    ASSERT_FALSE(world_.gate().house->set_faults({}));
    for (int i = 0; i < 20 && world_.transaction(order).phase != core::Phase::purchased; ++i) {
        world_.gate().advance(std::chrono::minutes(1));
        bool swept = false;
        world_.engine().sweep(
            std::chrono::minutes(1), [](const std::string&) {}, [&](const auto&) { swept = true; });
        world_.run_until([&] { return swept; });
    }
    const auto known = world_.finish(order, token, mpi_token);
    EXPECT_EQ(known["success"], true) << known;
    EXPECT_EQ(known["response"]["actionCode"], "000");
    EXPECT_EQ(payments_sent(world_), 1U);
}

TEST_F(ServicesTest, ThePaymentStandsWhenItsDetailsCannotBeHad) {
    const auto token = world_.token(frictionless_card);
    const auto mpi_token = world_.authenticated(token);
    const auto order = world_.order();
    EXPECT_EQ(world_.finish(order, token, mpi_token)["success"], true);
    for (const auto& look :
         {std::optional<HttpResponse>(), std::optional(HttpResponse{500, {}, ""}),
          std::optional(HttpResponse{
              200, {}, R"({"TransactionId":"tr_somebodyelses1","Amount":499000,"ActionCode":"999"})"})}) {
        world_.instead() = {look};
        const auto answer = world_.finish(order, token, mpi_token);
        EXPECT_EQ(answer["success"], true) << answer;
        EXPECT_EQ(answer["response"]["actionCode"], "000");
        EXPECT_TRUE(answer["response"]["transactionId"].get<std::string>().starts_with("tr_"));
        EXPECT_FALSE(answer["response"].contains("authCode"));
    }
}

TEST_F(ServicesTest, AnOrderWhoseHoldIsOver) {
    const auto order = world_.order();
    world_.gate().advance(std::chrono::hours(2));
    const auto token = world_.token(frictionless_card);
    const auto reply =
        world_.post("Finish3DProcess", World::final_info(order, token, world_.authenticated(token)));
    EXPECT_EQ(faults_of(reply), "409 Request.OrderId: the reservation has run out;");
    EXPECT_EQ(payments_sent(world_), 0U);
}

TEST_F(ServicesTest, AllThatWaitsIsOnePayment) {
    const auto isk = *Currency::parse("ISK", "currency"), gbp = *Currency::parse("GBP", "currency");
    const auto bundle = [](const char* source, Money amount) {
        return core::Bundle{source, "A seat", amount, {}};
    };
    const auto token = world_.token(frictionless_card);
    const auto proof = world_.authenticated(token);
    const auto order = world_.order_of(
        {bundle("ext_test0", {1'990, isk}), bundle("ext_test1", {3'000, isk}), bundle("free", {0, isk})});
    const auto answer = world_.finish(order, token, proof);
    EXPECT_EQ(answer.value("success", false), true) << answer;
    EXPECT_EQ(answer["response"]["amount"], 499'000);
    EXPECT_EQ(world_.transaction(order).legs.size(), 1U);
    EXPECT_EQ(payments_sent(world_), 1U);

    const auto mixed =
        world_.order_of({bundle("ext_test0", {1'990, isk}), bundle("ext_test1", {3'000, gbp})});
    const auto free = world_.order_of({bundle("free", {0, isk})});
    for (const auto& none : {mixed, free})
        EXPECT_EQ(faults_of(world_.post("Finish3DProcess", World::final_info(none, token, proof))),
                  "400 Request.OrderId: is of an order that is not one payment;");
}

TEST_F(ServicesTest, PaymentsThatMakeNoSense) {
    const std::string token = "ts_Qm3x0vJ8aT1sK5dL7hZ2bN9cR4eW6yUf";
    const auto with = [&](const char* name, const json& value) {
        auto wanted = World::final_info("T000", token, "mpi");
        if (value.is_null())
            wanted.erase(name);
        else
            wanted[name] = value;
        return faults_of(world_.post("Finish3DProcess", wanted));
    };
    EXPECT_EQ(with("transactionType", "Refund"),
              "400 Request.TransactionType: must be Sale or PreAuthorization;");
    EXPECT_EQ(with("amount", nullptr),
              "400 Request.Amount: must be above 0, and no more than a payment may be;");
    EXPECT_EQ(with("amount", 4990.5), "400 Request.Amount: must be an integer;");
    EXPECT_EQ(with("amount", payment_minor_max * 100 + 1),
              "400 Request.Amount: must be above 0, and no more than a payment may be;");
    EXPECT_EQ(with("currency", nullptr), "400 Request.Currency: must not be empty;");
    EXPECT_EQ(with("orderId", nullptr), "400 Request.OrderId: must not be empty;");
    EXPECT_EQ(with("orderId", std::string(37, '0')), "400 Request.OrderId: must have at most 36 bytes;");
    EXPECT_EQ(with("paymentMethod", {{"paymentType", "Card"}, {"token", token}}),
              "400 Request.PaymentMethod.PaymentType: must be TokenSingle or TokenMulti;");
    EXPECT_EQ(with("threeDSecure", {{"dataType", "Manual"}, {"mpiToken", "x"}}),
              "400 Request.ThreeDSecure.DataType: must be Token;");
    EXPECT_EQ(with("threeDSecure", {{"dataType", "Token"}}),
              "400 Request.ThreeDSecure.MpiToken: must not be empty;");
    const auto all = world_.post("Finish3DProcessShortVersion", json::object());
    EXPECT_EQ(faults_of(all),
              "400 Request.Amount: must be above 0, and no more than a payment may be; Request.OrderId: must "
              "not be empty; Request.MpiToken: must not be empty; Request.Token: must not be empty;");
    EXPECT_EQ(faults_of(world_.post(
                  "Finish3DProcessShortVersion",
                  {{"amount", 1}, {"orderId", "x"}, {"mpiToken", "x"}, {"token", challenge1_card}})),
              "400 Request.Token: is no token of the gateway's: ts_... or tm_...;");
}

}  // namespace
}  // namespace kassi::api::ticket_order::services
