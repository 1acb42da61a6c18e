package millrace.functions;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPResponse;
import java.util.Map;

/** Behind a function URL. */
public final class Web implements RequestHandler<APIGatewayV2HTTPEvent, APIGatewayV2HTTPResponse> {
  @Override
  public APIGatewayV2HTTPResponse handleRequest(APIGatewayV2HTTPEvent event, Context context) {
    APIGatewayV2HTTPEvent.RequestContext.Http http = event.getRequestContext().getHttp();
    return APIGatewayV2HTTPResponse.builder()
        .withStatusCode(203)
        .withHeaders(Map.of("X-Agent", http.getUserAgent()))
        .withBody(http.getMethod() + " " + event.getRawPath() + " " + event.getQueryStringParameters().get("q"))
        .withIsBase64Encoded(false)
        .build();
  }
}
