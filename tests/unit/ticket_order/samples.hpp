#pragma once

/// The service's metadata page: what it prints as a request and as an answer, for people. clang-format off:
/// tabs are part of it.
namespace kassi::api::ticket_order {

// clang-format off
inline constexpr const char* sample_request = R"sample({
	teamPass: 
	{
		id: 0,
		name: String,
		price: 0,
		seriesId: 0,
		ownerId: 0,
		seriesTicketType: 0,
		seriesOwnerTicketType: 0,
		isActive: False,
		onlyForTeamUse: False,
		timestampCreated: 0001-01-01,
		timestampLastChanged: 0001-01-01
	},
	order: 
	{
		id: 0,
		userId: 0,
		userAuthId: 0,
		eventId: 0,
		timestampBought: 0001-01-01,
		timestampActivated: 0001-01-01,
		timeStampOrdered: 0001-01-01,
		deviceId: String,
		phoneVerificationId: 0,
		paymentMethodId: String,
		paymentReference: String,
		ticketStatus: String,
		phoneVerificationNumber: String,
		ticketTokenId: String,
		paymentPhoneNumber: String,
		ticketTransferredFrom: 0,
		originalPhoneVerificationNumber: String,
		teamPassId: 0,
		paymentId: String,
		isFree: False,
		freeTicketFromId: String,
		freeTicketFromTypeId: String,
		freeTicketCardTypeId: String,
		freeTicketCardId: 0,
		totalPaidForTicket: 0,
		seatsReservationId: String,
		timeStampLastStatusChange: 0001-01-01,
		lastTicketStatus: String,
		scanCode: String,
		scanCodeType: String,
		scanCodeNotActive: False,
		multipleScanCodes: False,
		currency: String,
		ticketHasExpired: False
	},
	orderDetails: 
	[
		{
			id: 0,
			ticketId: 0,
			eventSeriesTicketType: 0,
			eventSeriesOwnerTicketType: 0,
			ticketPrice: 0,
			totalPrice: 0,
			count: 0,
			ticketColor: String,
			showUsedTickets: False,
			ticketName: String,
			ticketDisplayString: String,
			ticketDetailsTransferredFrom: 0,
			teamPassId: 0,
			isSpecialTicket: False,
			specialTicketId: String,
			justChangedBySQL: False,
			sqlJustChangedTimeStamp: 0001-01-01,
			currency: String
		}
	],
	ticketHolders: 
	{
		ticketHolders: 
		[
			{
				name: String,
				fullPhoneNumber: String,
				holderId: String,
				seatId: 0,
				seatDisplayString: String
			}
		],
		holderInfoRequired: False
	},
	seatReservationTokenId: String,
	cardInfo: 
	{
		paymentMethod: 
		{
			paymentType: String,
			token: String,
			pan: String,
			expYear: String,
			expMonth: String,
			cvc: String
		},
		amount: 0,
		currency: String,
		orderId: String,
		transActionDate: 0001-01-01,
		saveCardToToken: False
	},
	paymentPhoneNumber: String,
	paymentCardId: 0,
	requestUnixUTCTimeStamp: 0,
	signature: 
	{
		systemId: String,
		systemSecret: String,
		signature: String
	},
	phoneVerificationNumber: String,
	deviceId: String,
	dontReturnTickets: False,
	appMetaData: String,
	applePayInfo: 
	{
		orderId: String,
		threeDSecure: 
		{
			dataType: String,
			securityLevelInd: String,
			cavv: String,
			ucaf: String
		}
	},
	borgun3DFinalInfo: 
	{
		transactionType: String,
		amount: 0,
		currency: String,
		transactionDate: 0001-01-01,
		orderId: String,
		paymentMethod: 
		{
			paymentType: String,
			token: String
		},
		threeDSecure: 
		{
			dataType: String,
			mpiToken: String
		}
	}
})sample";

inline constexpr const char* sample_answer = R"sample({
	ticketAndDetails: 
	{
		eventTicket: 
		{
			id: 0,
			userId: 0,
			userAuthId: 0,
			eventId: 0,
			timestampBought: 0001-01-01,
			timestampActivated: 0001-01-01,
			timeStampOrdered: 0001-01-01,
			deviceId: String,
			phoneVerificationId: 0,
			paymentMethodId: String,
			paymentReference: String,
			ticketStatus: String,
			phoneVerificationNumber: String,
			ticketTokenId: String,
			paymentPhoneNumber: String,
			ticketTransferredFrom: 0,
			originalPhoneVerificationNumber: String,
			teamPassId: 0,
			paymentId: String,
			isFree: False,
			freeTicketFromId: String,
			freeTicketFromTypeId: String,
			freeTicketCardTypeId: String,
			freeTicketCardId: 0,
			totalPaidForTicket: 0,
			seatsReservationId: String,
			timeStampLastStatusChange: 0001-01-01,
			lastTicketStatus: String,
			scanCode: String,
			scanCodeType: String,
			scanCodeNotActive: False,
			multipleScanCodes: False,
			currency: String,
			ticketHasExpired: False
		},
		eventTicketDetails: 
		[
			{
				
			}
		],
		eventInfo: 
		{
			id: 0,
			name: String,
			description: String,
			externalReference: String,
			timeOfEvent: 0001-01-01,
			eventLocationId: 0,
			eventSeriesId: 0,
			eventOwnerId: 0,
			eventActive: False,
			eventOwnerName: String,
			externalOwnerId: String,
			teamAwayId: String,
			teamAwayName: String,
			eventSeriesName: String,
			eventLocationName: String,
			latitude: 0,
			longitude: 0,
			defaultValues: String,
			externalReferenceType: String,
			eventSeriesActive: False,
			allowedKsiCard: String,
			seriesId: String,
			seriesShowByDefault: False,
			postponedNoDate: False,
			awayTeamExternalId: String,
			sportGenderId: String,
			externalIdType: String,
			seriesEventSaleSuspended: False,
			seriesSaleSuspensionEventStartDate: 0001-01-01,
			seriesSaleSuspensionEventEndDate: 0001-01-01,
			saleIsActive: False,
			hideEvent: False,
			imageUrl2: String,
			directAccessCode: String,
			imageUrl: String,
			detailedDescription: String,
			ownerImageUrl: String,
			ownerImageUrl2: String,
			ownerCardsNotAllowed: False,
			seatingImageUrl: String,
			endOfEvent: 0001-01-01,
			endOfEventUTC: 0001-01-01,
			timeZone: String,
			timeOfEventUTC: 0001-01-01
		},
		eventIsToday: False,
		eventisLive: False,
		minutesToEvent: 0
	},
	statusCode: 0,
	message: String
})sample";
// clang-format on

}  // namespace kassi::api::ticket_order
