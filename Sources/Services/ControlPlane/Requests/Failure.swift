// The one place where a refusal becomes an HTTP status.
internal import Evidence
internal import Hummingbird
internal import Ports
internal import Primitives

/// An answer that is no success: `{"error": {"category", "rule", "message"}}`.
struct Failure: Error {
    enum Category: String, Encodable, CaseIterable {
        case invalid, unauthenticated, forbidden, conflict, unavailable, damaged, misdirected
        case notFound = "not-found"
        case tooLarge = "too-large"
        case unsupportedType = "unsupported-type"

        var status: HTTPResponse.Status {
            switch self {
            case .invalid: .badRequest
            case .unauthenticated: .unauthorized
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .conflict: .conflict
            case .tooLarge: .contentTooLarge
            case .unsupportedType: .unsupportedMediaType
            case .misdirected: .misdirectedRequest
            case .unavailable: .serviceUnavailable
            case .damaged: .internalServerError
            }
        }
    }

    var category: Category
    var rule: String
    var message: String

    init(_ category: Category, rule: String, _ message: String) {
        self.category = category
        self.rule = rule
        self.message = message
    }

    /// What a caller is told about any error. An error that no room speaks of tells nothing about its inside.
    init(_ error: any Error) {
        switch error {
        case let error as Failure: self = error
        case let error as DeskError: self.init(Self.category(error.category), rule: error.rule, error.message)
        case let error as EvidenceError: self.init(.invalid, rule: "evidence", error.message)
        case let error as ArtifactError: self.init(Self.category(error.code), rule: "artifact", error.message)
        case let error as LedgerStoreError: self.init(Self.category(error.code), rule: "ledger", error.message)
        case let error as DecisionStoreError: self.init(Self.category(error.code), rule: "decisions", error.message)
        case is CancellationError: self.init(.unavailable, rule: "stopping", "the control plane is stopping; try again")
        default: self.init(.damaged, rule: "internal", "the control plane could not finish this; its log says why")
        }
    }

    var response: Response {
        struct Body: Encodable {
            struct Inner: Encodable {
                var category: Category
                var rule: String
                var message: String
            }
            var error: Inner
        }
        var response = Response.json(Body(error: .init(category: category, rule: rule, message: message)), status: category.status)
        if category == .unauthenticated { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }

    private static func category(_ category: DeskError.Category) -> Category {
        switch category {
        case .invalid: .invalid
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .conflict: .conflict
        case .unavailable: .unavailable
        case .damaged: .damaged
        }
    }

    private static func category(_ code: ArtifactError.Code) -> Category {
        switch code {
        case .missing: .notFound
        case .tooLarge: .tooLarge
        case .unavailable: .unavailable
        default: .damaged
        }
    }

    private static func category(_ code: DecisionStoreError.Code) -> Category {
        switch code {
        case .contradiction: .conflict
        case .unavailable: .unavailable
        default: .damaged
        }
    }

    private static func category(_ code: LedgerStoreError.Code) -> Category {
        switch code {
        case .conflict: .conflict
        case .unavailable: .unavailable
        default: .damaged
        }
    }
}

extension Response {
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: StrictJSON.encode(value))))
    }
}
