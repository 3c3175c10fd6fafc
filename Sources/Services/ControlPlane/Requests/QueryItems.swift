// The part of an address after the question mark.
private import Foundation

/// Names and values, percent-decoded once. A name that the route does not know, or twice, is refused rather than ignored.
struct QueryItems: Sendable {
    private var values: [String: String] = [:]

    init(_ query: String?, known: Set<String>) throws(Failure) {
        guard let query, !query.isEmpty else { return }
        for part in query.split(separator: "&", omittingEmptySubsequences: false) {
            let pieces = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pieces.count == 2, let name = String(pieces[0]).removingPercentEncoding, let value = String(pieces[1]).removingPercentEncoding else {
                throw Failure(.invalid, rule: "query", "the query is not of the form name=value")
            }
            guard known.contains(name) else {
                throw Failure(.invalid, rule: "query", "this address has no query parameter '\(name.prefix(40))'")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Failure(.invalid, rule: "query", "the query parameter '\(name)' is given twice")
            }
        }
    }

    subscript(_ name: String) -> String? { values[name] }
}
