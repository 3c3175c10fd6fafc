// A serving node's line to the control plane, over HTTP.
package import Decisions
package import Evidence
package import Ports
package import Primitives
package import Releases

/// Owns nothing: the client's owner shuts the client down.
package struct ControlPlaneNodeLink: ControlPlaneLink {
    private let client: ControlPlaneClient

    /// Give the client a short timeout: a node asks again soon.
    package init(_ client: ControlPlaneClient) { self.client = client }

    package func contact(newerThan order: TableOrder?, nonce: [UInt8]) async throws(LinkError) -> Contact {
        do { return try await client.contact(newerThan: order, nonce: nonce) } catch { throw LinkError(.unavailable, error.message) }
    }

    package func fetch(_ digest: Digest, into store: any ArtifactStore) async throws(LinkError) {
        do { try await client.download(digest, into: store) } catch {
            throw LinkError(error.rule == ClientError.wrongDigest ? .damaged : .unavailable, error.message)
        }
    }

    package func report(_ observation: Envelope) async throws(LinkError) {
        do { try await client.report(observation) } catch { throw LinkError(.unavailable, error.message) }
    }

    package func push(_ frames: [LogFrame]) async throws(LinkError) -> UInt64 {
        do { return try await client.push(frames) } catch { throw LinkError(error.category == "conflict" ? .contradiction : .unavailable, error.message) }
    }
}
