#include "explain/html.h"

#include <fmt/format.h>

#include "explain/page_files.h"
#include "explain/token_text.h"

namespace attend::explain {

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string plain_page(std::string_view title, std::string_view lead, std::string_view body) {
  const std::string shown = escape_html(show_token(title, TokenStyle::kText));
  std::string page =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n";
  page += fmt::format("<title>{}</title>\n<style>\n", shown);
  page += page_file("page.css");
  page += page_file("report.css");
  page += fmt::format(
      "</style>\n</head>\n<body>\n<header>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n</header>\n<main>\n",
      shown, escape_html(lead));
  return page.append(body).append("</main>\n</body>\n</html>\n");
}

}  // namespace attend::explain
