#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "api/ticket_order/scalars.hpp"
#include "base/secret.hpp"

/// The service's own types, member by member in its order: each_member() is the one list of their names, by
/// which they are read and printed. std::optional is what .NET calls nullable: nothing is printed of it when
/// it is empty, while the others print their default (0, False, 0001-01-01).
namespace kassi::api::ticket_order {

template <class T, class Wanted>
concept OneOf = std::same_as<std::remove_const_t<T>, Wanted>;

/// Text of the client's own that nobody here reads: line breaks are its business.
struct Opaque {
    std::string text;
    bool operator==(const Opaque&) const = default;
};

struct Ticket {
    std::int32_t id = 0;
    std::optional<std::int32_t> user_id;
    std::optional<std::int32_t> user_auth_id;
    std::int32_t event_id = 0;
    Date timestamp_bought;
    Date timestamp_activated;
    Date time_stamp_ordered;
    std::optional<std::string> device_id;
    std::int32_t phone_verification_id = 0;
    std::optional<std::string> payment_method_id;
    std::optional<std::string> payment_reference;
    std::optional<std::string> ticket_status;
    std::optional<std::string> phone_verification_number;
    std::optional<std::string> ticket_token_id;
    std::optional<std::string> payment_phone_number;
    std::optional<std::int32_t> ticket_transferred_from;
    std::optional<std::string> original_phone_verification_number;
    std::optional<std::int32_t> team_pass_id;
    std::optional<std::string> payment_id;
    std::optional<bool> is_free;
    std::optional<std::string> free_ticket_from_id;
    std::optional<std::string> free_ticket_from_type_id;
    std::optional<std::string> free_ticket_card_type_id;
    std::optional<std::int32_t> free_ticket_card_id;
    std::optional<Decimal> total_paid_for_ticket;
    std::optional<std::string> seats_reservation_id;
    std::optional<Date> time_stamp_last_status_change;
    std::optional<std::string> last_ticket_status;
    std::optional<std::string> scan_code;
    std::optional<std::string> scan_code_type;
    std::optional<bool> scan_code_not_active;
    std::optional<bool> multiple_scan_codes;
    std::optional<std::string> currency;
    std::optional<bool> ticket_has_expired;
};
template <class Visitor, OneOf<Ticket> T>
void each_member(Visitor& visit, T& it) {
    visit("id", it.id);
    visit("userId", it.user_id);
    visit("userAuthId", it.user_auth_id);
    visit("eventId", it.event_id);
    visit("timestampBought", it.timestamp_bought);
    visit("timestampActivated", it.timestamp_activated);
    visit("timeStampOrdered", it.time_stamp_ordered);
    visit("deviceId", it.device_id);
    visit("phoneVerificationId", it.phone_verification_id);
    visit("paymentMethodId", it.payment_method_id);
    visit("paymentReference", it.payment_reference);
    visit("ticketStatus", it.ticket_status);
    visit("phoneVerificationNumber", it.phone_verification_number);
    visit("ticketTokenId", it.ticket_token_id);
    visit("paymentPhoneNumber", it.payment_phone_number);
    visit("ticketTransferredFrom", it.ticket_transferred_from);
    visit("originalPhoneVerificationNumber", it.original_phone_verification_number);
    visit("teamPassId", it.team_pass_id);
    visit("paymentId", it.payment_id);
    visit("isFree", it.is_free);
    visit("freeTicketFromId", it.free_ticket_from_id);
    visit("freeTicketFromTypeId", it.free_ticket_from_type_id);
    visit("freeTicketCardTypeId", it.free_ticket_card_type_id);
    visit("freeTicketCardId", it.free_ticket_card_id);
    visit("totalPaidForTicket", it.total_paid_for_ticket);
    visit("seatsReservationId", it.seats_reservation_id);
    visit("timeStampLastStatusChange", it.time_stamp_last_status_change);
    visit("lastTicketStatus", it.last_ticket_status);
    visit("scanCode", it.scan_code);
    visit("scanCodeType", it.scan_code_type);
    visit("scanCodeNotActive", it.scan_code_not_active);
    visit("multipleScanCodes", it.multiple_scan_codes);
    visit("currency", it.currency);
    visit("ticketHasExpired", it.ticket_has_expired);
}

struct TicketDetails {
    std::int32_t id = 0;
    std::int32_t ticket_id = 0;
    std::optional<std::int32_t> event_series_ticket_type;
    std::optional<std::int32_t> event_series_owner_ticket_type;
    Decimal ticket_price;
    Decimal total_price;
    std::int32_t count = 0;
    std::optional<std::string> ticket_color;
    std::optional<bool> show_used_tickets;
    std::optional<std::string> ticket_name;
    std::optional<std::string> ticket_display_string;
    std::optional<std::int32_t> ticket_details_transferred_from;
    std::optional<std::int32_t> team_pass_id;
    std::optional<bool> is_special_ticket;
    std::optional<std::string> special_ticket_id;
    std::optional<bool> just_changed_by_sql;
    std::optional<Date> sql_just_changed_time_stamp;
    std::optional<std::string> currency;
};
template <class Visitor, OneOf<TicketDetails> T>
void each_member(Visitor& visit, T& it) {
    visit("id", it.id);
    visit("ticketId", it.ticket_id);
    visit("eventSeriesTicketType", it.event_series_ticket_type);
    visit("eventSeriesOwnerTicketType", it.event_series_owner_ticket_type);
    visit("ticketPrice", it.ticket_price);
    visit("totalPrice", it.total_price);
    visit("count", it.count);
    visit("ticketColor", it.ticket_color);
    visit("showUsedTickets", it.show_used_tickets);
    visit("ticketName", it.ticket_name);
    visit("ticketDisplayString", it.ticket_display_string);
    visit("ticketDetailsTransferredFrom", it.ticket_details_transferred_from);
    visit("teamPassId", it.team_pass_id);
    visit("isSpecialTicket", it.is_special_ticket);
    visit("specialTicketId", it.special_ticket_id);
    visit("justChangedBySQL", it.just_changed_by_sql);
    visit("sqlJustChangedTimeStamp", it.sql_just_changed_time_stamp);
    visit("currency", it.currency);
}

struct TicketHolderInfo {
    std::optional<std::string> name;
    std::optional<std::string> full_phone_number;
    std::optional<std::string> holder_id;
    std::optional<std::int32_t> seat_id;
    std::optional<std::string> seat_display_string;
};
template <class Visitor, OneOf<TicketHolderInfo> T>
void each_member(Visitor& visit, T& it) {
    visit("name", it.name);
    visit("fullPhoneNumber", it.full_phone_number);
    visit("holderId", it.holder_id);
    visit("seatId", it.seat_id);
    visit("seatDisplayString", it.seat_display_string);
}

struct GateAccessCode {
    std::optional<std::string> code;
    std::optional<std::string> code_type;
    std::optional<std::string> code_url;
    Date valid_from;
    Date valid_to;
};
template <class Visitor, OneOf<GateAccessCode> T>
void each_member(Visitor& visit, T& it) {
    visit("code", it.code);
    visit("codeType", it.code_type);
    visit("codeUrl", it.code_url);
    visit("validFrom", it.valid_from);
    visit("validTo", it.valid_to);
}

struct TicketDetailsInfo : TicketDetails {
    bool holder_info_required = false;
    std::optional<bool> block_transfer;
    std::optional<std::string> ticket_type_image_url;
    std::optional<std::vector<TicketHolderInfo>> ticket_holders;
    std::optional<std::vector<GateAccessCode>> gate_access_codes;
};
template <class Visitor, OneOf<TicketDetailsInfo> T>
void each_member(Visitor& visit, T& it) {
    each_member(visit,
                static_cast<std::conditional_t<std::is_const_v<T>, const TicketDetails, TicketDetails>&>(it));
    visit("holderInfoRequired", it.holder_info_required);
    visit("blockTransfer", it.block_transfer);
    visit("ticketTypeImageUrl", it.ticket_type_image_url);
    visit("ticketHolders", it.ticket_holders);
    visit("gateAccessCodes", it.gate_access_codes);
}

struct EventDetails {
    std::int32_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> description;
    std::optional<std::string> external_reference;
    Date time_of_event;
    std::optional<std::int32_t> event_location_id;
    std::optional<std::int32_t> event_series_id;
    std::optional<std::int32_t> event_owner_id;
    bool event_active = false;
    std::optional<std::string> event_owner_name;
    std::optional<std::string> external_owner_id;
    std::optional<std::string> team_away_id;
    std::optional<std::string> team_away_name;
    std::optional<std::string> event_series_name;
    std::optional<std::string> event_location_name;
    Decimal latitude;
    Decimal longitude;
    std::optional<std::string> default_values;
    std::optional<std::string> external_reference_type;
    std::optional<bool> event_series_active;
    std::optional<std::string> allowed_ksi_card;
    std::optional<std::string> series_id;
    std::optional<bool> series_show_by_default;
    std::optional<bool> postponed_no_date;
    std::optional<std::string> away_team_external_id;
    std::optional<std::string> sport_gender_id;
    std::optional<std::string> external_id_type;
    std::optional<bool> series_event_sale_suspended;
    std::optional<Date> series_sale_suspension_event_start_date;
    std::optional<Date> series_sale_suspension_event_end_date;
    std::optional<bool> sale_is_active;
    std::optional<bool> hide_event;
    std::optional<std::string> image_url_2;
    std::optional<std::string> direct_access_code;
    std::optional<std::string> image_url;
    std::optional<std::string> detailed_description;
    std::optional<std::string> owner_image_url;
    std::optional<std::string> owner_image_url_2;
    std::optional<bool> owner_cards_not_allowed;
    std::optional<std::string> seating_image_url;
    std::optional<Date> end_of_event;
    std::optional<Date> end_of_event_utc;
    std::optional<std::string> time_zone;
    std::optional<Date> time_of_event_utc;
};
template <class Visitor, OneOf<EventDetails> T>
void each_member(Visitor& visit, T& it) {
    visit("id", it.id);
    visit("name", it.name);
    visit("description", it.description);
    visit("externalReference", it.external_reference);
    visit("timeOfEvent", it.time_of_event);
    visit("eventLocationId", it.event_location_id);
    visit("eventSeriesId", it.event_series_id);
    visit("eventOwnerId", it.event_owner_id);
    visit("eventActive", it.event_active);
    visit("eventOwnerName", it.event_owner_name);
    visit("externalOwnerId", it.external_owner_id);
    visit("teamAwayId", it.team_away_id);
    visit("teamAwayName", it.team_away_name);
    visit("eventSeriesName", it.event_series_name);
    visit("eventLocationName", it.event_location_name);
    visit("latitude", it.latitude);
    visit("longitude", it.longitude);
    visit("defaultValues", it.default_values);
    visit("externalReferenceType", it.external_reference_type);
    visit("eventSeriesActive", it.event_series_active);
    visit("allowedKsiCard", it.allowed_ksi_card);
    visit("seriesId", it.series_id);
    visit("seriesShowByDefault", it.series_show_by_default);
    visit("postponedNoDate", it.postponed_no_date);
    visit("awayTeamExternalId", it.away_team_external_id);
    visit("sportGenderId", it.sport_gender_id);
    visit("externalIdType", it.external_id_type);
    visit("seriesEventSaleSuspended", it.series_event_sale_suspended);
    visit("seriesSaleSuspensionEventStartDate", it.series_sale_suspension_event_start_date);
    visit("seriesSaleSuspensionEventEndDate", it.series_sale_suspension_event_end_date);
    visit("saleIsActive", it.sale_is_active);
    visit("hideEvent", it.hide_event);
    visit("imageUrl2", it.image_url_2);
    visit("directAccessCode", it.direct_access_code);
    visit("imageUrl", it.image_url);
    visit("detailedDescription", it.detailed_description);
    visit("ownerImageUrl", it.owner_image_url);
    visit("ownerImageUrl2", it.owner_image_url_2);
    visit("ownerCardsNotAllowed", it.owner_cards_not_allowed);
    visit("seatingImageUrl", it.seating_image_url);
    visit("endOfEvent", it.end_of_event);
    visit("endOfEventUTC", it.end_of_event_utc);
    visit("timeZone", it.time_zone);
    visit("timeOfEventUTC", it.time_of_event_utc);
}

struct TicketAndDetails {
    std::optional<Ticket> event_ticket;
    std::optional<std::vector<TicketDetailsInfo>> event_ticket_details;
    std::optional<EventDetails> event_info;
    bool event_is_today = false;
    bool event_is_live = false;
    std::int64_t minutes_to_event = 0;
};
template <class Visitor, OneOf<TicketAndDetails> T>
void each_member(Visitor& visit, T& it) {
    visit("eventTicket", it.event_ticket);
    visit("eventTicketDetails", it.event_ticket_details);
    visit("eventInfo", it.event_info);
    visit("eventIsToday", it.event_is_today);
    visit("eventisLive", it.event_is_live);
    visit("minutesToEvent", it.minutes_to_event);
}

struct TicketOrderResult {
    std::optional<TicketAndDetails> ticket_and_details;
    std::int32_t status_code = 0;
    std::optional<std::string> message;
    /// Ours: of cardInfo.saveCardToToken, in the answer to the request that saved the card and in no repeat.
    std::optional<std::string> card_token;
};
template <class Visitor, OneOf<TicketOrderResult> T>
void each_member(Visitor& visit, T& it) {
    visit("ticketAndDetails", it.ticket_and_details);
    visit("statusCode", it.status_code);
    visit("message", it.message);
    visit("cardToken", it.card_token);
}

struct TeamPassType {
    std::int32_t id = 0;
    std::optional<std::string> name;
    Decimal price;
    std::int32_t series_id = 0;
    std::int32_t owner_id = 0;
    std::optional<std::int32_t> series_ticket_type;
    std::optional<std::int32_t> series_owner_ticket_type;
    std::optional<bool> is_active;
    std::optional<bool> only_for_team_use;
    std::optional<Date> timestamp_created;
    std::optional<Date> timestamp_last_changed;
};
template <class Visitor, OneOf<TeamPassType> T>
void each_member(Visitor& visit, T& it) {
    visit("id", it.id);
    visit("name", it.name);
    visit("price", it.price);
    visit("seriesId", it.series_id);
    visit("ownerId", it.owner_id);
    visit("seriesTicketType", it.series_ticket_type);
    visit("seriesOwnerTicketType", it.series_owner_ticket_type);
    visit("isActive", it.is_active);
    visit("onlyForTeamUse", it.only_for_team_use);
    visit("timestampCreated", it.timestamp_created);
    visit("timestampLastChanged", it.timestamp_last_changed);
}

struct TicketHoldersList {
    std::optional<std::vector<TicketHolderInfo>> ticket_holders;
    bool holder_info_required = false;
};
template <class Visitor, OneOf<TicketHoldersList> T>
void each_member(Visitor& visit, T& it) {
    visit("ticketHolders", it.ticket_holders);
    visit("holderInfoRequired", it.holder_info_required);
}

struct CardMethod {
    std::optional<std::string> payment_type;
    Secret<> token;
    Secret<> pan;
    Secret<> exp_year;
    Secret<> exp_month;
    Secret<> cvc;
};
template <class Visitor, OneOf<CardMethod> T>
void each_member(Visitor& visit, T& it) {
    visit("paymentType", it.payment_type);
    visit("token", it.token);
    visit("pan", it.pan);
    visit("expYear", it.exp_year);
    visit("expMonth", it.exp_month);
    visit("cvc", it.cvc);
}

struct CardInfo {
    std::optional<CardMethod> payment_method;
    std::optional<Decimal> amount;
    std::optional<std::string> currency;
    std::optional<std::string> order_id;
    std::optional<Date> transaction_date;
    std::optional<bool> save_card_to_token;
};
template <class Visitor, OneOf<CardInfo> T>
void each_member(Visitor& visit, T& it) {
    visit("paymentMethod", it.payment_method);
    visit("amount", it.amount);
    visit("currency", it.currency);
    visit("orderId", it.order_id);
    visit("transActionDate", it.transaction_date);
    visit("saveCardToToken", it.save_card_to_token);
}

struct RequestSignature {
    std::optional<std::string> system_id;
    Secret<> system_secret;
    std::optional<std::string> signature;
};
template <class Visitor, OneOf<RequestSignature> T>
void each_member(Visitor& visit, T& it) {
    visit("systemId", it.system_id);
    visit("systemSecret", it.system_secret);
    visit("signature", it.signature);
}

struct ApplePayProof {
    std::optional<std::string> data_type;
    std::optional<std::string> security_level_ind;
    Secret<> cavv;
    Secret<> ucaf;
};
template <class Visitor, OneOf<ApplePayProof> T>
void each_member(Visitor& visit, T& it) {
    visit("dataType", it.data_type);
    visit("securityLevelInd", it.security_level_ind);
    visit("cavv", it.cavv);
    visit("ucaf", it.ucaf);
}

struct ApplePayInfo {
    std::optional<std::string> order_id;
    std::optional<ApplePayProof> three_d_secure;
};
template <class Visitor, OneOf<ApplePayInfo> T>
void each_member(Visitor& visit, T& it) {
    visit("orderId", it.order_id);
    visit("threeDSecure", it.three_d_secure);
}

struct FinalMethod {
    std::optional<std::string> payment_type;
    Secret<> token;
};
template <class Visitor, OneOf<FinalMethod> T>
void each_member(Visitor& visit, T& it) {
    visit("paymentType", it.payment_type);
    visit("token", it.token);
}

struct FinalProof {
    std::optional<std::string> data_type;
    Secret<> mpi_token;
};
template <class Visitor, OneOf<FinalProof> T>
void each_member(Visitor& visit, T& it) {
    visit("dataType", it.data_type);
    visit("mpiToken", it.mpi_token);
}

struct BorgunFinal {
    std::optional<std::string> transaction_type;
    std::optional<std::int64_t> amount;
    std::optional<std::string> currency;
    std::optional<Date> transaction_date;
    std::optional<std::string> order_id;
    std::optional<FinalMethod> payment_method;
    std::optional<FinalProof> three_d_secure;
};
template <class Visitor, OneOf<BorgunFinal> T>
void each_member(Visitor& visit, T& it) {
    visit("transactionType", it.transaction_type);
    visit("amount", it.amount);
    visit("currency", it.currency);
    visit("transactionDate", it.transaction_date);
    visit("orderId", it.order_id);
    visit("paymentMethod", it.payment_method);
    visit("threeDSecure", it.three_d_secure);
}

struct TicketOrder {
    std::optional<TeamPassType> team_pass;
    std::optional<Ticket> order;
    std::optional<std::vector<TicketDetails>> order_details;
    std::optional<TicketHoldersList> ticket_holders;
    std::optional<std::string> seat_reservation_token_id;
    std::optional<CardInfo> card_info;
    std::optional<std::string> payment_phone_number;
    std::optional<std::int32_t> payment_card_id;
    std::optional<std::int64_t> request_unix_time;
    std::optional<RequestSignature> signature;
    std::optional<std::string> phone_verification_number;
    std::optional<std::string> device_id;
    std::optional<bool> dont_return_tickets;
    std::optional<Opaque> app_meta_data;
    std::optional<ApplePayInfo> apple_pay_info;
    std::optional<BorgunFinal> borgun_final;
};
template <class Visitor, OneOf<TicketOrder> T>
void each_member(Visitor& visit, T& it) {
    visit("teamPass", it.team_pass);
    visit("order", it.order);
    visit("orderDetails", it.order_details);
    visit("ticketHolders", it.ticket_holders);
    visit("seatReservationTokenId", it.seat_reservation_token_id);
    visit("cardInfo", it.card_info);
    visit("paymentPhoneNumber", it.payment_phone_number);
    visit("paymentCardId", it.payment_card_id);
    visit("requestUnixUTCTimeStamp", it.request_unix_time);
    visit("signature", it.signature);
    visit("phoneVerificationNumber", it.phone_verification_number);
    visit("deviceId", it.device_id);
    visit("dontReturnTickets", it.dont_return_tickets);
    visit("appMetaData", it.app_meta_data);
    visit("applePayInfo", it.apple_pay_info);
    visit("borgun3DFinalInfo", it.borgun_final);
}
}  // namespace kassi::api::ticket_order
