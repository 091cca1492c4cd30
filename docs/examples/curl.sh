#!/bin/sh
# Baowen by curl: every kind of call once, against http://127.0.0.1:50051 or what BAOWEN_ADDRESS names.
#   sh curl.sh
# BAOWEN_TOKEN is the token of a service that wants one.
set -eu
baowen="${BAOWEN_ADDRESS:-http://127.0.0.1:50051}"

# curl with the token, if there is one; what is refused ends the script.
ask() {
    curl -sS --fail-with-body ${BAOWEN_TOKEN:+-H "authorization: Bearer $BAOWEN_TOKEN"} "$@"
}

# A question, by parameters of the address.
ask -G "$baowen/v1/search" --data-urlencode 'q=医保断缴了怎么办' -d top_k=3
echo

# As JSON, with a filter, today's date and why each hit stands where it stands; given up after two seconds.
ask "$baowen/v1/search?timeout=2" -H 'content-type: application/json' -d '{
  "query": "生育津贴怎么领", "top_k": 3, "today": "'"$(date +%F)"'", "explain": true,
  "filter": {"published_from": "2020-01-01"}
}'
echo

# Many questions: an event for each, in their order, each as soon as it is there; -N shows them as they come.
ask -N "$baowen/v1/search:batch" -H 'content-type: application/json' -d '{"requests": [
  {"query": "异地就医怎么备案", "top_k": 1}, {"query": ""}, {"query": "医保卡丢了怎么补办", "top_k": 1}
]}'

# What a filter would leave, completions of what somebody begins to type, what becomes of a text.
ask -G "$baowen/v1/facets" --data-urlencode 'q=异地就医' -d limit=5
echo
ask -G "$baowen/v1/suggest" --data-urlencode 'q=医保' -d top_k=3
echo
ask -G "$baowen/v1/analyze" --data-urlencode 'text=2024年交了一万一'
echo

# An article as a whole, and those like it. The id is that of the first hit of a question, as JSON writes it; by POST it may be
# any, in an address (/v1/articles/ID) it is percent-encoded.
article="$(ask -G "$baowen/v1/search" --data-urlencode 'q=医保断缴了怎么办' -d top_k=1 |
    sed 's/.*"article_id":"\([^"]*\)".*/\1/')"
ask "$baowen/v1/articles:get" -H 'content-type: application/json' -d "{\"article_id\": \"$article\"}"
echo
ask -G "$baowen/v1/similar" --data-urlencode "article_id=$article" -d top_k=2
echo

# Refused: 400, with the field and what helps.
ask -w '\nHTTP %{http_code}\n' "$baowen/v1/search" -H 'content-type: application/json' -d '{"query": "医保", "top_k": 0}' || true

# What the index is; whether questions are answered.
ask "$baowen/v1/stats"
echo
ask "$baowen/readyz"
