#pragma once

// Programs of ours that run inside sandboxes, as text: what makes Node.js, Python or Java a Lambda
// runtime, and the modules beside inline code that answer custom resources.

#include <string>
#include <string_view>

namespace functions {

std::string_view node_bootstrap();    // ES module
std::string_view python_bootstrap();  // Python 3.7 and later
std::string java_bootstrap();         // one source file, Java 11 and later
std::string_view java_bootstrap_json();
std::string_view java_bootstrap_bind();
std::string_view cfn_response_js();  // CommonJS
std::string_view cfn_response_py();

}  // namespace functions
