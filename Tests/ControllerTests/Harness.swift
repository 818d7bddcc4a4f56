// The harness of these tests follows.
