"""A stand-in for a server of Qdrant, which PyPI does not have.

It speaks the part of the interface over HTTP that an index uses, and answers with the local mode of
qdrant-client: what travels over the network is tested, not how a real server searches.
"""

import threading
import time
import warnings
from importlib.metadata import version

import uvicorn
from qdrant_client import QdrantClient, models
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

KEY = "secret"


class StandIn:
    """A server on a free port of this machine, in a thread.

    Parameters
    ----------
    keeps_metadata : bool
        Whether it keeps what is said of a collection, as servers do from version 1.16 on.
    """

    def __init__(self, *, keeps_metadata=True):
        self.client = QdrantClient(":memory:", force_disable_check_same_thread=True)
        self.requests, self._keeps_metadata = [], keeps_metadata
        routes = [
            Route("/", self._about),
            Route("/collections/{name}/exists", self._answer(self._exists)),
            Route("/collections/{name}", self._answer(self._describe)),
            Route("/collections/{name}", self._answer(self._create), methods=["PUT"]),
            Route("/collections/{name}", self._answer(self._drop), methods=["DELETE"]),
            Route("/collections/{name}/index", self._answer(self._index), methods=["PUT"]),
            Route("/collections/{name}/points", self._answer(self._upsert), methods=["PUT"]),
        ]
        for what in ("delete", "count", "scroll", "query"):
            answer = self._answer(getattr(self, f"_{what}"))
            path = f"/collections/{{name}}/points/{what}"
            routes.append(Route(path, answer, methods=["POST"]))
        config = uvicorn.Config(Starlette(routes=routes), port=0, log_level="warning")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self):
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        [socket] = self._server.servers[0].sockets
        self.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        self._server.should_exit = True
        self._thread.join()

    async def _about(self, request):
        return JSONResponse({"title": "qdrant", "version": version("qdrant-client")})

    def _answer(self, method):
        async def answer(request):
            if request.headers.get("api-key") != KEY:
                return JSONResponse({"status": {"error": "no key"}}, status_code=401)
            body, name = await request.body(), request.path_params["name"]
            self.requests.append((method.__name__, body))
            try:
                with warnings.catch_warnings(action="ignore"):
                    result = await run_in_threadpool(method, name, body)
            except ValueError as exc:
                return JSONResponse({"status": {"error": str(exc)}}, status_code=404)
            return JSONResponse({"result": result, "status": "ok", "time": 0.0})

        return answer

    def _exists(self, name, body):
        return {"exists": self.client.collection_exists(name)}

    def _describe(self, name, body):
        return self.client.get_collection(name).model_dump(mode="json")

    def _create(self, name, body):
        asked = models.CreateCollection.model_validate_json(body)
        metadata = asked.metadata if self._keeps_metadata else None
        return self.client.create_collection(name, asked.vectors, metadata=metadata)

    def _drop(self, name, body):
        return self.client.delete_collection(name)

    def _index(self, name, body):
        models.CreateFieldIndex.model_validate_json(body)
        return _DONE

    def _upsert(self, name, body):
        self.client.upsert(name, models.PointsBatch.model_validate_json(body).batch)
        return _DONE

    def _delete(self, name, body):
        self.client.delete(name, models.FilterSelector.model_validate_json(body))
        return _DONE

    def _count(self, name, body):
        asked = models.CountRequest.model_validate_json(body)
        return {"count": self.client.count(name, asked.filter, asked.exact).count}

    def _scroll(self, name, body):
        asked = models.ScrollRequest.model_validate_json(body)
        records, place = self.client.scroll(
            name,
            asked.filter,
            asked.limit,
            offset=asked.offset,
            with_payload=asked.with_payload,
            with_vectors=asked.with_vector,
        )
        return {"points": [r.model_dump(mode="json") for r in records], "next_page_offset": place}

    def _query(self, name, body):
        asked = models.QueryRequest.model_validate_json(body)
        found = self.client.query_points(
            name,
            asked.query,
            query_filter=asked.filter,
            limit=asked.limit,
            with_payload=asked.with_payload,
            with_vectors=asked.with_vector,
        )
        return found.model_dump(mode="json")


_DONE = {"operation_id": 0, "status": "completed"}
