// Why a call to the control plane brought no answer, or a refusal.

package struct ClientError: Error, Sendable, CustomStringConvertible {
    /// The rule of an artifact whose bytes are not those that its digest names.
    package static let wrongDigest = "wrong-digest"

    /// `nil` when no answer came.
    package var status: Int?
    /// The control plane's category; `unreachable`, `unreadable`, `local` or `cancelled` when it is not the control plane that says so.
    package var category: String
    package var rule: String
    package var message: String

    package init(status: Int? = nil, category: String, rule: String, message: String) {
        self.status = status
        self.category = category
        self.rule = rule
        self.message = message
    }

    package var description: String { message }
}
