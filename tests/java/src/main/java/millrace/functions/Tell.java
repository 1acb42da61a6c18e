package millrace.functions;

import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Tells what its context says, a line each, as a text of JSON. */
public final class Tell implements RequestStreamHandler {
  @Override
  public void handleRequest(InputStream in, OutputStream out, Context context) throws IOException {
    ClientContext client = context.getClientContext();
    context.getLogger().log("first\nsecond", LogLevel.INFO);
    String told = String.join("|", new String(in.readAllBytes(), StandardCharsets.UTF_8),
        context.getFunctionName(), context.getFunctionVersion(), context.getInvokedFunctionArn(),
        context.getAwsRequestId(), context.getLogGroupName(), context.getLogStreamName(),
        "" + context.getMemoryLimitInMB(), "" + context.getRemainingTimeInMillis(),
        client == null ? "none" : client.getCustom() + " " + client.getEnvironment() + " " + client.getClient().getAppTitle(),
        "" + context.getIdentity());
    out.write(("\"" + told + "\"").getBytes(StandardCharsets.UTF_8));
  }
}
