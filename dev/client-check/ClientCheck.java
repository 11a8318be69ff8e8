import client.ApiClient;
import client.ApiException;
import client.api.AuthenticationApi;
import client.api.ProvisioningRequestsApi;
import client.model.AddSubscriptionsRequest;
import client.model.AddSubscriptionsRequestServiceIdentifier;
import client.model.AddSubscriptionsRequestSmartcardIdentifier;
import client.model.AddSubscriptionsRequestSubscriptionIdentifier;
import client.model.AddToExistingPairingRequest;
import client.model.AddToExistingPairingRequestStbSetInner;
import client.model.CancelSubscriptionsRequest;
import client.model.CancelSubscriptionsRequestServiceIdentifier;
import client.model.CancelSubscriptionsRequestSmartcardIdentifier;
import client.model.CancelSubscriptionsRequestSubscriptionIdentifier;
import client.model.CreatePairingRequest;
import client.model.CreatePairingRequestSmartcardSetInner;
import client.model.CreatePairingRequestStbSetInner;
import client.model.Failure;
import client.model.LoginRequest;
import client.model.ProvisioningRequest;
import client.model.ReleaseTokenRequest;
import client.model.ResetPinToDefaultValueRequest;
import client.model.ResetPinToGivenValueRequest;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Uses the generated client as a CRM would: every answer goes through its classes. Prints each claim; exit code 1 when
 * one does not hold.
 */
public final class ClientCheck {
  private static int wrong = 0;

  private interface Request {
    Object send() throws ApiException;
  }

  public static void main(String[] arguments) throws Exception {
    System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
    String url = arguments[0];
    String subscription = arguments[4];
    String card = arguments[5];
    ApiClient http = new ApiClient();
    http.updateBaseUri(url);
    AuthenticationApi authentication = new AuthenticationApi(http);
    ProvisioningRequestsApi requests = new ProvisioningRequestsApi(http);

    refused(http, "login with a wrong password", 401, "WRONG_CREDENTIALS", () -> authentication.login(
        new LoginRequest().username(arguments[1]).password("wrong " + arguments[2]).organisation(arguments[3])));
    String token = authentication.login(
        new LoginRequest().username(arguments[1]).password(arguments[2]).organisation(arguments[3])).getData().getToken();
    claim("login gives a token of 32 characters", 32, token.length());

    ProvisioningRequest add = requests.addSubscriptions(new AddSubscriptionsRequest().token(token)
        .subscriptionIdentifier(new AddSubscriptionsRequestSubscriptionIdentifier().number(subscription))
        .serviceIdentifier(new AddSubscriptionsRequestServiceIdentifier().code("P1001"))
        .smartcardIdentifier(new AddSubscriptionsRequestSmartcardIdentifier().serialNumber("SN-card"))
        .priority(AddSubscriptionsRequest.PriorityEnum.EXPRESS)
        .processImmediately(true)
        .udfString1("Λευκωσία 4711").udfFloat1(new BigDecimal("12.5")).udfDate1("2030-01-31T10:00:00"), null).getData();
    made("add_subscriptions", "ADD_SUBSCRIPTIONS", "COMPLETED", add);
    claim("add_subscriptions shows its user-defined fields", "Λευκωσία 4711 12.5 2030-01-31T10:00:00",
        add.getUdfString1() + " " + add.getUdfFloat1() + " " + add.getUdfDate1());
    claim("add_subscriptions shows the card among its parameters", true, add.getParametersSet().stream()
        .anyMatch((parameter) -> card.equals(parameter.getAdditionalProperty("smartcard_ca_id"))));
    claim("add_subscriptions shows who made it", arguments[1], add.getLogInformation().getCreatedByUser());

    // Sent twice as after a time-out, and with the token in the header.
    Map<String, String> bearer = Map.of("Authorization", "Bearer " + token);
    CancelSubscriptionsRequest cancelling = new CancelSubscriptionsRequest()
        .subscriptionIdentifier(new CancelSubscriptionsRequestSubscriptionIdentifier().number(subscription))
        .serviceIdentifier(new CancelSubscriptionsRequestServiceIdentifier().code("P1002"))
        .smartcardIdentifier(new CancelSubscriptionsRequestSmartcardIdentifier().serialNumber("SN-card"))
        .scheduledDate(LocalDate.now().plusYears(1) + "T10:00:00+02:00");
    ProvisioningRequest cancel = requests.cancelSubscriptions(cancelling, subscription, bearer).getData();
    made("cancel_subscriptions for a year later", "CANCEL_SUBSCRIPTIONS", "PENDING", cancel);
    claim("cancel_subscriptions again with its Idempotency-Key gives the same request", cancel.getNumber(),
        requests.cancelSubscriptions(cancelling, subscription, bearer).getData().getNumber());

    ProvisioningRequest pairing = requests.createPairing(new CreatePairingRequest().token(token)
        .addSmartcardSetItem(new CreatePairingRequestSmartcardSetInner().smartcardCaId(card))
        .addStbSetItem(new CreatePairingRequestStbSetInner().stbCaId("STB-" + card))
        .processImmediately(true), null).getData();
    made("create_pairing", "CREATE_PAIRING", "COMPLETED", pairing);

    made("add_to_existing_pairing", "ADD_TO_EXISTING_PAIRING", "COMPLETED",
        requests.addToExistingPairing(new AddToExistingPairingRequest().token(token).smartcardCaId(card)
            .addStbSetItem(new AddToExistingPairingRequestStbSetInner().stbCaId("STB-more-" + card.substring(5)))
            .processImmediately(true), null).getData());

    made("reset_pin_to_default_value", "UPDATE_CA_PIN_TO_DEFAULT_VALUE", "COMPLETED",
        requests.resetPinToDefaultValue(new ResetPinToDefaultValueRequest().token(token)
            .subscriptionIdentifier(new CancelSubscriptionsRequestSubscriptionIdentifier().number(subscription))
            .smartcardCaId(card).processImmediately(true), null).getData());

    ProvisioningRequest pin = requests.resetPinToGivenValue(new ResetPinToGivenValueRequest().token(token)
        .subscriptionIdentifier(new CancelSubscriptionsRequestSubscriptionIdentifier().number(subscription))
        .smartcardCaId(card).pin("4711").processImmediately(true), null).getData();
    made("reset_pin_to_given_value", "UPDATE_CA_PIN_TO_GIVEN_VALUE", "COMPLETED", pin);
    claim("reset_pin_to_given_value shows no PIN", "****", pin.getParametersSet().get(1).getAdditionalProperty("pin"));

    claim("show by number gives the same request, all of it", add,
        requests.showProvisioningRequest("number=" + add.getNumber(), token, null).getData());
    ProvisioningRequest part =
        requests.showProvisioningRequest("id=" + add.getId(), token, "number,reference_number").getData();
    claim("show by id with two fields gives these alone",
        new ProvisioningRequest().number(add.getNumber()).referenceNumber(add.getReferenceNumber()), part);

    String before = String.valueOf(Long.parseLong(add.getNumber()) - 1);
    listed("list by type", pairing, requests.listProvisioningRequests(
        token, "CREATE_PAIRING", null, null, "number,type", "1", null, before).getData().getProvisioningRequests());
    listed("list by life_cycle_state", cancel, requests.listProvisioningRequests(
        token, null, "PENDING", null, "number,type", "1", null, before).getData().getProvisioningRequests());
    listed("list by reference_number", add, requests.listProvisioningRequests(
        token, null, null, add.getReferenceNumber(), null, null, null, null).getData().getProvisioningRequests());

    refused(http, "a set-top box in the place of a smart card", 422, "ITEM_IS_NO_SMARTCARD",
        () -> requests.addSubscriptions(new AddSubscriptionsRequest().token(token)
            .subscriptionIdentifier(new AddSubscriptionsRequestSubscriptionIdentifier().number(subscription))
            .serviceIdentifier(new AddSubscriptionsRequestServiceIdentifier().code("P1001"))
            .smartcardIdentifier(new AddSubscriptionsRequestSmartcardIdentifier().serialNumber("SN-stb")), null));
    refused(http, "a list by two things", 400, "PARAMETERS_CONFLICT", () -> requests.listProvisioningRequests(
        token, "CREATE_PAIRING", "PENDING", null, null, null, null, null));

    claim("release of the token", "true",
        authentication.releaseToken(new ReleaseTokenRequest().token(token)).getData().getReleased().toString());
    refused(http, "a call with the released token", 401, "TOKEN_INVALID",
        () -> requests.showProvisioningRequest("number=" + add.getNumber(), token, null));

    System.out.println(wrong == 0 ? "every answer is as expected" : wrong + " answers are not as expected");
    System.exit(wrong == 0 ? 0 : 1);
  }

  private static void made(String call, String type, String state, ProvisioningRequest request) {
    claim(call + " makes a request", type + " " + state, request.getType() + " " + request.getLifeCycleState());
  }

  private static void listed(String call, ProvisioningRequest wanted, List<ProvisioningRequest> found) {
    claim(call + " finds the request alone", List.of(wanted.getNumber() + " " + wanted.getType()),
        found.stream().map((request) -> request.getNumber() + " " + request.getType()).toList());
  }

  /** The error's envelope is read with the client's own class for it. */
  private static void refused(ApiClient http, String call, int status, String code, Request request) throws Exception {
    try {
      claim(call + " is refused", code, request.send());
    } catch (ApiException error) {
      if (error.getResponseBody() == null) throw error;
      Failure failure = http.getObjectMapper().readValue(error.getResponseBody(), Failure.class);
      claim(call + " is refused", status + " " + code, error.getCode() + " " + failure.getStatus().getCode());
      claim(call + " is told what is wrong, without data", true,
          !failure.getStatus().getDescription().isBlank() && failure.getData() == null);
    }
  }

  private static void claim(String what, Object wanted, Object found) {
    boolean holds = Objects.equals(wanted, found);
    if (!holds) wrong += 1;
    String shown = found instanceof ProvisioningRequest ? "" : ": " + found;
    System.out.println(holds ? "  ok     " + what + shown : "  WRONG  " + what + ": " + found + ", expected " + wanted);
  }
}
